"""The database: SQLite in the data folder by default, PostgreSQL by URL."""

from tingshuo.db.connection import connect, dispose, now, private_folder, session, storage_error
from tingshuo.db.models import (
    ENDED,
    ApiKey,
    Base,
    Batch,
    Call,
    CleanUp,
    Delivery,
    Job,
    Kind,
    Status,
    TranscriptRevision,
)
from tingshuo.db.upgrades import upgrade

__all__ = [
    "ENDED",
    "ApiKey",
    "Base",
    "Batch",
    "Call",
    "CleanUp",
    "Delivery",
    "Job",
    "Kind",
    "Status",
    "TranscriptRevision",
    "connect",
    "dispose",
    "now",
    "private_folder",
    "session",
    "storage_error",
    "upgrade",
]
