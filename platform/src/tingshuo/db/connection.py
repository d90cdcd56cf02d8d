"""Settings -> SQLAlchemy engine -> session, with every database error told as one of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from tingshuo.errors import ConfigurationError, StorageFailed, StorageFull, TingshuoError
from tingshuo.settings import Settings

#: Milliseconds a writer waits for another one on SQLite before it gives up.
BUSY_TIMEOUT_MS = 30_000
#: SQLSTATE of PostgreSQL's disk_full.
_PG_DISK_FULL = "53100"


def private_folder(path: Path) -> Path:
    """`path`, made with all missing parents for this user alone (0700)."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    return path


def database_url(settings: Settings) -> URL:
    """The URL with its driver spelled out; raises `ConfigurationError` for one we do not support."""
    try:
        url = make_url(settings.sqlalchemy_url)
    except ArgumentError as error:
        raise ConfigurationError("TINGSHUO_DATABASE_URL is no database URL; see docs/settings.md") from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return url
    shown = url.render_as_string(hide_password=True)
    raise ConfigurationError(f"TINGSHUO_DATABASE_URL={shown}: use postgresql://… or sqlite:///a/file")


def connect(settings: Settings) -> Engine:
    """The engine of this process for the configured database: made once per URL, shared by all threads."""
    return _engine(database_url(settings))


def dispose(settings: Settings) -> None:
    """Close the pooled connections; the next use opens new ones."""
    connect(settings).dispose()


@lru_cache(maxsize=16)
def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    try:
        private_folder(Path(str(url.database)).absolute().parent)
    except OSError as error:
        raise ConfigurationError(f"cannot make the folder of the database {url.database}: {error}") from error
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Without this the driver starts transactions on its own and leaves schema changes out of them.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextmanager
def session(settings: Settings) -> Iterator[Session]:
    """A session in one transaction: committed at the end, rolled back on an exception.

    Raises `StorageFull` or `StorageFailed` for what the database could not do; an `IntegrityError` passes.
    Rows stay readable after the end.
    """
    try:
        with Session(connect(settings), expire_on_commit=False) as opened, opened.begin():
            yield opened
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise storage_error(error) from error


def storage_error(error: Exception) -> TingshuoError:
    """The error to show for what a database driver raised; says nothing of the statement."""
    cause: Any = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == _PG_DISK_FULL:
        return StorageFull("the server's disk is full; free some space and try again")
    return StorageFailed("the server's database does not answer; try again soon", retry_after=10)
