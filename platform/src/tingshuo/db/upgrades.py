"""Bring the database to the newest schema with the migrations that ship in this package."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from tingshuo.db.connection import connect, database_url
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings

#: Any number, the same in every process: PostgreSQL's name of the lock that migrations hold.
_ADVISORY_LOCK = 7_461_002


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for one open connection; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(settings: Settings) -> None:
    """Make the tables or bring them to the newest revision; does nothing where they are.

    Processes that start together wait for the first. Raises `ConfigurationError` where the database cannot be
    reached or was upgraded by a newer version of the program.
    """
    url = database_url(settings)
    shown = url.render_as_string(hide_password=True)
    engine = connect(settings)
    try:
        if url.get_backend_name() == "sqlite":
            with _file_lock(Path(f"{url.database}.lock")), engine.begin() as connection:
                _to_head(connection, shown)
        else:
            with engine.begin() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
                _to_head(connection, shown)
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise ConfigurationError(f"cannot use the database {shown}: {cause}") from error


def _to_head(connection: Connection, shown: str) -> None:
    config = alembic_config(connection)
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = set(MigrationContext.configure(connection).get_current_heads())
    if current - known:
        raise ConfigurationError(
            f"the database {shown} is at revision {', '.join(sorted(current - known))}, which this version of "
            "tingshuo does not know: it was upgraded by a newer one. Install that version, or restore a backup"
        )
    if current != set(scripts.get_heads()):
        command.upgrade(config, "head")


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    # SQLite's own lock does not cover the switch to WAL that the first connection makes.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
