"""GET /v1/usage: sums over the history, on both databases, and whose one gets to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo import auth, db
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.testing import ToneRecognizer, ToneSynthesizer
from tingshuo.usage import Usage, usage

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]


def _job(history: History, kind: Any, caller: str, seconds: float | None, characters: int | None = None) -> str:
    engine = ToneRecognizer() if kind == "transcription" else ToneSynthesizer()
    with history.record(kind, engine, {}, caller=caller) as job:
        job.finish({}, audio_seconds=seconds, characters=characters)
    return job.id


@pytest.fixture
def used(any_database: Settings) -> tuple[Settings, str]:
    """A history of two callers, and the id of the key of one."""
    db.upgrade(any_database)
    row, _ = auth.create_key(any_database, "call centre", ["jobs"])
    history = History(any_database)
    _job(history, "transcription", row.id, 10.0)
    _job(history, "speech", row.id, 2.5, 7)
    _job(history, "roundtrip", "cli", 1.5, 4)
    with pytest.raises(RuntimeError), history.record("speech", ToneSynthesizer(), {}, caller="cli"):
        raise RuntimeError
    history.close()
    return any_database, row.id


def _without_time(row: Usage) -> tuple[object, ...]:
    return (row.caller, row.name, row.jobs, row.failed, row.audio_seconds_in, row.audio_seconds_out, row.characters)


def test_sums_per_key(used: tuple[Settings, str]) -> None:
    settings, key_id = used
    rows = {row.caller: row for row in usage(settings)}
    assert _without_time(rows[key_id]) == (key_id, "call centre", 2, 0, 10.0, 2.5, 7)
    assert _without_time(rows["cli"]) == ("cli", None, 2, 1, 1.5, 1.5, 4)
    assert all(row.day is None and row.processing_seconds >= 0 for row in rows.values())
    assert [row.caller for row in usage(settings, caller="cli")] == ["cli"]


def test_sums_per_day_in_utc(used: tuple[Settings, str]) -> None:
    settings, key_id = used
    moved = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    with db.session(settings) as session:
        session.query(db.Job).filter(db.Job.kind == "roundtrip").update({"created_at": moved})
    rows = usage(settings, by="day")
    assert (rows[0].day, rows[0].caller, rows[0].jobs) == ("2026-03-01", "cli", 1)
    assert {row.day for row in rows[1:]} == {f"{datetime.now(UTC):%Y-%m-%d}"}
    assert usage(settings, by="day", until=moved) == []
    assert len(usage(settings, by="day", since=moved, until=moved + timedelta(seconds=1))) == 1
    assert {row.caller for row in usage(settings, since=moved + timedelta(seconds=1))} == {key_id, "cli"}


def test_a_key_sees_its_own_and_an_admin_everybodys(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve()
    own, other, admin = key(client, "transcribe"), key(client, "speak"), key(client, "admin")
    client.post("/v1/audio/transcriptions", headers=own, files={"file": ("a.wav", speech)})
    client.post("/v1/audio/speech", headers=other, json={"input": "hello", "response_format": "wav"})
    seen = client.get("/v1/usage", headers=own).json()
    assert [(row["name"], row["jobs"]) for row in seen["data"]] == [("key 0", 1)]
    assert seen["data"][0]["audio_seconds_in"] > 0
    assert "day" not in seen["data"][0]
    assert {row["name"] for row in client.get("/v1/usage", headers=admin).json()["data"]} == {"key 0", "key 1"}
    (day,) = client.get("/v1/usage?by=day", headers=other).json()["data"]
    assert (day["day"], day["characters"]) == (f"{datetime.now(UTC):%Y-%m-%d}", 5)


@pytest.mark.parametrize("query", ["since=yesterday", "by=week", "until=2026-13-01"])
def test_what_cannot_be_read_in_the_query_is_named(client: TestClient, query: str) -> None:
    reply = client.get(f"/v1/usage?{query}")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, query.split("=")[0])


def test_a_day_without_a_zone_is_meant_in_utc(client: TestClient) -> None:
    client.post("/v1/audio/speech", json={"input": "hello", "response_format": "wav"})
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert len(client.get(f"/v1/usage?since={today}").json()["data"]) == 1
    assert client.get(f"/v1/usage?until={today}").json()["data"] == []
