"""What tests of every part share: settings in a folder of their own, and databases to run on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tingshuo import db
from tingshuo.settings import Settings, load_settings

POSTGRES = "postgresql://postgres@127.0.0.1:5432"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TINGSHUO_") and name != "TINGSHUO_REQUIRE_SERVICES":
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with a data folder of their own and SQLite."""
    made = load_settings(data_dir=tmp_path / "data")
    yield made
    db.dispose(made)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database made for one test."""
    name = f"tingshuo_test_{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(f"{POSTGRES}/test", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        if os.environ.get("TINGSHUO_REQUIRE_SERVICES") == "1":
            pytest.fail(f"PostgreSQL is required: {error}")
        pytest.skip(f"PostgreSQL does not answer on 127.0.0.1:5432: {error}")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with an empty database of each kind we support."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = load_settings(data_dir=tmp_path / "data", database_url=url)
    yield made
    db.dispose(made)
