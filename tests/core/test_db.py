"""The database: made, brought up to date, refused, and the same on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from tingshuo import db
from tingshuo.db import ApiKey
from tingshuo.db.upgrades import alembic_config
from tingshuo.errors import ConfigurationError, StorageFailed
from tingshuo.settings import Settings, load_settings


def test_the_models_are_what_the_migrations_make(any_database: Settings) -> None:
    db.upgrade(any_database)
    with db.connect(any_database).begin() as connection:
        command.check(alembic_config(connection))


def test_every_migration_can_be_undone_and_done_again(any_database: Settings) -> None:
    db.upgrade(any_database)
    with db.connect(any_database).begin() as connection:
        command.downgrade(alembic_config(connection), "base")
    db.upgrade(any_database)
    with db.connect(any_database).begin() as connection:
        command.check(alembic_config(connection))


def test_a_process_that_ends_closes_its_connections(any_database: Settings) -> None:
    variables = {
        "TINGSHUO_DATA_DIR": str(any_database.data_dir),
        "TINGSHUO_DATABASE_URL": any_database.database_url,
        "PYTHONWARNINGS": "always::ResourceWarning",
    }
    command = [sys.executable, "-m", "tingshuo", "db", "upgrade"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True)
    assert "Warning" not in done.stderr


def test_upgrading_twice_keeps_the_rows(any_database: Settings) -> None:
    db.upgrade(any_database)
    with db.session(any_database) as session:
        session.add(_key("kept"))
    db.upgrade(any_database)
    with db.session(any_database) as session:
        assert session.query(ApiKey.name).scalar() == "kept"


def test_processes_that_start_together_make_one_database(any_database: Settings) -> None:
    program = (
        "import sys; from tingshuo import db; from tingshuo.settings import load_settings;"
        "db.upgrade(load_settings(data_dir=sys.argv[1], database_url=sys.argv[2]))"
    )
    arguments = [sys.executable, "-c", program, str(any_database.data_dir), any_database.database_url]
    started = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(4)]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in started] == [(b"", 0)] * 4
    with db.connect(any_database).begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


def test_a_database_of_a_newer_version_is_refused(any_database: Settings) -> None:
    db.upgrade(any_database)
    with db.connect(any_database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"revision 9999.*newer"):
        db.upgrade(any_database)


def test_sqlite_lies_in_folders_that_are_for_us_alone_and_does_not_block_readers(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "a" / "b")
    db.upgrade(settings)
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with db.connect(settings).begin() as connection:
        pragmas = ("journal_mode", "busy_timeout", "foreign_keys")
        assert [connection.scalar(text(f"PRAGMA {name}")) for name in pragmas] == ["wal", 30_000, 1]
    db.dispose(settings)


@pytest.mark.parametrize(
    "url",
    ["mysql://root:geheim@localhost/x", "sqlite://", "sqlite:///:memory:", "no url at all", "postgresql+pg8000://x"],
)
def test_a_url_we_do_not_support_is_refused_without_telling_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="TINGSHUO_DATABASE_URL") as caught:
        db.upgrade(load_settings(data_dir=tmp_path, database_url=url))
    assert "geheim" not in caught.value.message


def test_a_server_that_does_not_answer_stops_the_start_without_telling_its_password(tmp_path: Path) -> None:
    url = "postgresql://me:geheim@127.0.0.1:1/none"
    with pytest.raises(ConfigurationError, match="cannot use the database") as caught:
        db.upgrade(load_settings(data_dir=tmp_path, database_url=url))
    assert "geheim" not in caught.value.message


def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "tingshuo.db").write_bytes(b"something else, and long enough to be read" * 100)
    with pytest.raises(ConfigurationError, match="not a database"):
        db.upgrade(load_settings(data_dir=tmp_path))


def test_a_data_folder_that_is_a_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigurationError, match="folder"):
        db.upgrade(load_settings(data_dir=tmp_path / "taken" / "data"))


def test_what_the_database_cannot_do_is_told_without_the_statement(any_database: Settings) -> None:
    with pytest.raises(StorageFailed) as caught, db.session(any_database) as session:
        session.query(ApiKey).all()  # no table yet
    assert "api_keys" not in caught.value.message


def test_times_come_back_in_utc_whatever_zone_they_went_in(any_database: Settings) -> None:
    db.upgrade(any_database)
    row = _key("shanghai")
    row.created_at = datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with db.session(any_database) as session:
        session.add(row)
    with db.session(any_database) as session:
        found = session.query(ApiKey.created_at).scalar()
    assert found == datetime(2026, 11, 21, 0, 0, 0, 123456, tzinfo=UTC)
    assert found.tzinfo is UTC


def _key(name: str) -> ApiKey:
    now = datetime.now(UTC)
    return ApiKey(id=f"key_{name}", name=name, digest=name, hint="ts-", scopes=["admin"], created_at=now)
