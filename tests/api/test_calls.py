"""The routes of the calls and of the clean-up: who sees whose, what is refused, what is written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

Key: TypeAlias = Callable[..., dict[str, str]]


def _transcribe(client: TestClient, headers: dict[str, str]) -> str:
    """A sad recording sent with those headers; the id of its job."""
    spoken = client.post("/v1/audio/speech", json={"input": "你好", "emotion": "sad", "response_format": "wav"})
    files = {"file": ("call.wav", spoken.content)}
    reply = client.post("/v1/audio/transcriptions", files=files, headers=headers)
    assert reply.status_code == 200, reply.text
    return str(reply.headers["x-tingshuo-job"])


def test_a_key_sees_its_own_calls_and_an_admin_all(client: TestClient, key: Key) -> None:
    one, two = (key(client, "transcribe", "jobs") for _ in range(2))
    mine, theirs = _transcribe(client, one), _transcribe(client, two)
    told = client.get("/v1/calls", headers=one).json()
    assert [call["job_id"] for call in told["data"]] == [mine]
    assert told["data"][0]["emotions"].keys() == {"sad"}
    assert told["data"][0]["bad_mood"] == 1.0
    assert (told["has_more"], told["next"]) == (False, None)
    everybody = client.get("/v1/calls").json()["data"]
    assert {call["job_id"] for call in everybody} == {mine, theirs}
    who = everybody[0]["caller"]
    assert len(client.get("/v1/calls", params={"caller": who}).json()["data"]) == 1
    # Somebody else's id gives no more than one's own.
    assert [c["job_id"] for c in client.get("/v1/calls", params={"caller": who}, headers=one).json()["data"]] == [mine]
    trend = client.get("/v1/calls/trends", params={"by": "caller"}).json()["data"]
    assert {row["calls"] for row in trend} == {1}
    assert all(row["name"].startswith("key ") for row in trend)
    assert client.get("/v1/calls/trends").json()["data"][0]["calls"] == 2


def test_pages_go_on_where_they_ended(client: TestClient, key: Key) -> None:
    header = key(client, "transcribe", "jobs")
    ids = [_transcribe(client, header) for _ in range(3)]
    first = client.get("/v1/calls", params={"limit": 2}).json()
    assert first["has_more"] is True
    rest = client.get("/v1/calls", params={"limit": 2, "after": first["next"]}).json()
    assert [call["job_id"] for call in (*first["data"], *rest["data"])] == ids[::-1]


@pytest.mark.parametrize(
    "query", ["after=x", "limit=0", "order=best", "colour=red", "since=yesterday", "by=hour", "until=2026-01-01"]
)
def test_a_wrong_query_is_refused(client: TestClient, query: str) -> None:
    path = "/v1/calls/trends" if query.startswith("by=") else "/v1/calls"
    assert client.get(f"{path}?{query}").status_code == 400


def test_an_admin_cleans_up_and_the_audit_trail_says_so(
    client: TestClient, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    told = client.get("/v1/system/retention").json()
    assert (told["keep_days"], told["keep_audio"], told["keep_text"]) == (0, "none", True)
    assert told["due"] == {"jobs": 0, "audio": 0, "bytes": 0}
    with caplog.at_level(logging.INFO, "tingshuo.audit"):
        done = client.post("/v1/system/retention/clean-up").json()
    assert done["removed"] == {"jobs": 0, "audio": 0, "bytes": 0}
    assert done["last_run"]["caller"].startswith("key_")
    assert any("history.cleaned_up" in record.message for record in caplog.records)
    for scopes in (("jobs",), ("speak", "transcribe", "metrics")):
        header = key(client, *scopes)
        assert client.get("/v1/system/retention", headers=header).status_code == 403
        assert client.post("/v1/system/retention/clean-up", headers=header).status_code == 403
