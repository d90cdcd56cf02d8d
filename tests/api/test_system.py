"""What operators look at: /readyz, /v1/system, engines brought into memory and out of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo import readiness
from tingshuo.drain import DRAIN, Drain
from tingshuo.errors import ConfigurationError
from tingshuo.hub import pull
from tingshuo.settings import Settings, load_settings

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]


def test_ready_says_every_part(serve: Serve) -> None:
    reply = serve().get("/readyz")
    state = reply.json()
    assert reply.status_code == 200
    assert (state["status"], state["database"], state["disk"], state["offline"]) == ("ready", "ok", "ok", False)
    assert {engine["state"] for engine in state["engines"]} == {"not_loaded"}


def test_a_broker_that_does_not_answer_is_told_but_takes_no_server_out_of_service(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    told = readiness.queue(settings.model_copy(update={"queue": "celery", "broker_url": f"amqp://127.0.0.1:{port}//"}))
    assert told == "the broker does not answer; jobs are accepted and wait"
    assert readiness.queue(settings) == "ok"


def test_a_disk_that_is_nearly_full_is_not_ready(serve: Serve) -> None:
    reply = serve(min_free_bytes=2**60).get("/readyz")
    assert (reply.status_code, reply.json()["status"]) == (503, "not_ready")
    assert "MiB are free, 1099511627776 are needed" in reply.json()["disk"]


@pytest.fixture
def draining() -> Iterator[Drain]:
    """Of this process, which was asked to end."""
    DRAIN.begin()
    yield DRAIN
    DRAIN.reset()


def test_a_process_that_is_about_to_end_is_not_ready_but_alive(serve: Serve, draining: Drain) -> None:
    client = serve()
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["status"]) == (503, "draining")
    assert client.get("/healthz").status_code == 200


def test_an_offline_machine_says_so_and_pulls_nothing(serve: Serve) -> None:
    client = serve(offline=True)
    assert client.get("/readyz").json()["offline"] is True
    with pytest.raises(ConfigurationError, match="TINGSHUO_OFFLINE is set"):
        pull(load_settings(offline=True), "iic/SenseVoiceSmall", lambda *_: None)


def test_the_system_tells_an_admin_what_is_set_and_no_secret(serve: Serve, key: Key) -> None:
    client = serve(allowed_ips="127.0.0.0/8", secret="a secret of sixteen characters", keep_audio="output")
    reply = client.get("/v1/system", headers=key(client, "admin"))
    told = reply.json()
    assert told["database"] == {"kind": "sqlite", "status": "ok"}
    assert told["settings"]["keep_audio"] == "output"
    assert told["settings"]["allowed_ips"] == ["127.0.0.0/8"]
    assert told["disk"]["free_bytes"] > 0
    assert told["uptime_seconds"] >= 0
    assert told["memory"]["resident_bytes"] > 2**20
    assert told["jobs"] == {}
    assert "sixteen" not in reply.text
    assert str(client.app.state.services.settings.data_dir) not in reply.text  # type: ignore[attr-defined]


def test_an_admin_loads_and_unloads_an_engine(client: TestClient) -> None:
    name = client.get("/v1/engines").json()["data"][0]["name"]
    for action, state in (("load", "ready"), ("load", "ready"), ("unload", "not_loaded"), ("unload", "not_loaded")):
        reply = client.post(f"/v1/engines/{name}/{action}")
        assert (reply.status_code, reply.json()["state"]) == (200, state)
        assert reply.json()["loaded"] is (state == "ready")
    assert client.post("/v1/engines/nobody/load").status_code == 404
    assert client.post("/v1/engines/nobody/unload").status_code == 404
