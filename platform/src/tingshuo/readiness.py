"""Whether this process can work, part by part: what /readyz answers and `GET /v1/system` tells in full."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tingshuo import db
from tingshuo.errors import StorageFailed
from tingshuo.settings import Settings

OK = "ok"
#: A probe must be answered before its sender gives up.
_BROKER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the file system below the data folder."""

    free: int
    total: int
    needed: int

    @property
    def told(self) -> str:
        """`ok`, or what is wrong."""
        if self.free >= self.needed:
            return OK
        return f"{self.free / 2**20:.0f} MiB are free, {self.needed / 2**20:.0f} are needed"


def database(settings: Settings) -> str:
    """`ok`, or why the database cannot be used."""
    try:
        with db.session(settings) as session:
            session.execute(text("SELECT 1"))
    except StorageFailed as error:
        return error.message
    return OK


def queue(settings: Settings) -> str:
    """`ok`, or why jobs wait: for the broker. Requests that are answered at once do not need it."""
    if settings.queue == "local":
        return OK
    from kombu.connection import Connection
    from kombu.exceptions import OperationalError

    try:
        with Connection(settings.broker_url, connect_timeout=_BROKER_SECONDS) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, timeout=_BROKER_SECONDS)
    except (OSError, OperationalError):
        return "the broker does not answer; jobs are accepted and wait"
    return OK


def disk(settings: Settings) -> Disk:
    """How full the disk is."""
    usage = shutil.disk_usage(_existing(settings.data_dir))
    return Disk(usage.free, usage.total, settings.min_free_bytes)


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    return path if path.exists() else _existing(path.parent)
