"""The database: SQLite in the data folder by default, PostgreSQL by URL."""

from tingshuo.db.connection import connect, dispose, private_folder, session, storage_error
from tingshuo.db.models import ApiKey, Base, Job, Kind, Status
from tingshuo.db.upgrades import upgrade

__all__ = [
    "ApiKey",
    "Base",
    "Job",
    "Kind",
    "Status",
    "connect",
    "dispose",
    "private_folder",
    "session",
    "storage_error",
    "upgrade",
]
