"""Both queues behind the same tests: `local` on SQLite and on PostgreSQL, `celery` on RabbitMQ."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from job_site import Site

from tingshuo import db
from tingshuo.settings import load_settings

BROKER = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture
def broker() -> Iterator[dict[str, object]]:
    """Settings for a broker, whose queues are removed afterwards."""
    try:
        socket.create_connection(("127.0.0.1", 5672), timeout=3).close()
    except OSError as error:
        if os.environ.get("TINGSHUO_REQUIRE_SERVICES") == "1":
            pytest.fail(f"RabbitMQ is required: {error}")
        pytest.skip(f"RabbitMQ does not answer on 127.0.0.1:5672: {error}")
    prefix = f"test-{secrets.token_hex(6)}"
    yield {"queue": "celery", "broker_url": BROKER, "broker_prefix": prefix}
    import amqp  # type: ignore[import-untyped]

    with amqp.Connection("127.0.0.1:5672", "guest", "guest") as connection, connection.channel() as channel:
        for name in ("cpu", "gpu", "webhook"):
            channel.queue_delete(f"{prefix}.{name}")
        channel.exchange_delete(prefix)


@pytest.fixture(params=["local-sqlite", "local-postgresql", "celery-postgresql"])
def site(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Site:
    """A site with each queue."""
    return make_site(request.param)


@pytest.fixture
def closing() -> Iterator[contextlib.ExitStack]:
    """What is closed first of all: before the database and the broker's queues go."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def make_site(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Site]:
    """Make a site: `make_site("celery-postgresql", setting=value, …)`."""

    def make(name: str = "local-sqlite", **changes: object) -> Site:
        queue, _, database = name.partition("-")
        url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
        broker = request.getfixturevalue("broker") if queue == "celery" else {}
        stack: contextlib.ExitStack = request.getfixturevalue("closing")
        defaults: dict[str, object] = {"retry_seconds": 0.1, "lease_seconds": 2.0}
        chosen = {"data_dir": tmp_path / "data", "database_url": url, **broker, **defaults, **changes}
        made = Site(load_settings(**chosen))
        stack.callback(db.dispose, made.settings)
        stack.callback(made.close)
        return made

    return make
