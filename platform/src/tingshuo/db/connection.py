"""Settings -> SQLAlchemy engine -> session, with every database error told as one of ours."""

from __future__ import annotations

import atexit
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Engine, create_engine, event, func, make_url, select
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

_engines: WeakSet[Engine] = WeakSet()


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


@atexit.register
def _take_leave() -> None:
    # A server that is not told holds a connection lost; Python 3.13 warns of files of SQLite that are left open.
    for engine in list(_engines):
        engine.dispose()


@lru_cache(maxsize=16)
def _engine(url: URL) -> Engine:
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    _engines.add(engine)
    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})


def _sqlite(url: URL) -> Engine:
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
    # One that reads first and then writes would otherwise fail where another wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def session(settings: Settings, *, writes: bool = False) -> Iterator[Session]:
    """A session in one transaction: committed at the end, rolled back on an exception.

    `writes` is for one that writes after it has read: on SQLite it waits for other writers at its beginning.
    Raises `StorageFull` or `StorageFailed` for what the database could not do; an `IntegrityError` passes.
    Rows stay readable after the end.
    """
    engine = connect(settings)
    try:
        bound = engine.execution_options(writes=True) if writes else engine
        with Session(bound, expire_on_commit=False) as opened, opened.begin():
            yield opened
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise storage_error(error) from error


def now(session: Session) -> datetime:
    """The database's time, UTC: leases are compared across machines whose clocks may differ."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    told = session.scalar(select(func.clock_timestamp()))
    assert isinstance(told, datetime)
    return told.astimezone(UTC)


def storage_error(error: Exception) -> TingshuoError:
    """The error to show for what a database driver raised; says nothing of the statement."""
    cause: Any = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == _PG_DISK_FULL:
        return StorageFull("the server's disk is full; free some space and try again")
    return StorageFailed("the server's database does not answer; try again soon", retry_after=10)
