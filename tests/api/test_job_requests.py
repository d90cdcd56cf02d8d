"""Queued jobs over the API: batches, idempotency, cancelling, replays, results, what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from api_calls import ended_job
from job_site import Fickle
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

SPEECH = {"kind": "speech", "input": {"input": "hello", "response_format": "wav"}}


@pytest.fixture
def idle(serve: Serve, key: Key) -> TestClient:
    """The API without a worker: jobs stay queued."""
    client = serve(job_threads=0)
    client.headers.update(key(client, "admin"))
    return client


def _blobs(client: TestClient) -> list[Path]:
    app: Any = client.app
    folder: Path = app.state.services.settings.data_dir / "blobs"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_many_files_are_queued_at_once_and_counted(client: TestClient, speech: bytes) -> None:
    files = [("files[]", (f"{number}.wav", speech)) for number in range(3)]
    reply = client.post("/v1/batches", files=files, data={"language": "zh"})
    batch = reply.json()
    assert (reply.status_code, batch["total"], batch["kind"]) == (202, 3, "transcription")
    jobs = client.get("/v1/jobs", params={"batch": batch["id"]}).json()["data"]
    assert [job["input_name"] for job in jobs] == ["2.wav", "1.wav", "0.wav"]
    for job in jobs:
        assert ended_job(client, job["id"])["result"]["text"] == "今天真高兴"
    done = client.get(f"/v1/batches/{batch['id']}").json()
    assert (done["counts"]["succeeded"], done["progress"]) == (3, 1.0)
    assert client.get("/v1/batches").json()["data"] == [done]
    assert _blobs(client) == []


def test_of_a_batch_with_one_wrong_input_nothing_is_queued(idle: TestClient) -> None:
    inputs = [{"input": "good"}, {"input": "bad", "emotion": "hangry"}]
    reply = idle.post("/v1/batches", json={"kind": "speech", "inputs": inputs})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unsupported_emotion")
    assert idle.get("/v1/jobs").json()["data"] == []


def test_a_batch_is_cancelled_as_a_whole(idle: TestClient, speech: bytes) -> None:
    batch = idle.post("/v1/batches", files=[("file", ("a.wav", speech)), ("file", ("b.wav", speech))]).json()
    assert len(_blobs(idle)) == 2
    assert idle.post(f"/v1/batches/{batch['id']}/cancel").json()["counts"]["cancelled"] == 2


def test_the_same_request_with_the_same_key_is_one_job(idle: TestClient, speech: bytes) -> None:
    def send(priority: int = 0, content: bytes = speech) -> Any:
        data = {"priority": str(priority)}
        return idle.post("/v1/jobs", files={"file": ("a.wav", content)}, data=data, headers={"Idempotency-Key": "k1"})

    first, again = send(), send()
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    for other in (send(priority=1), send(content=speech + b"x")):
        assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert len(idle.get("/v1/jobs").json()["data"]) == 1
    assert len(_blobs(idle)) == 1


def test_a_batch_sent_twice_is_one_batch(idle: TestClient) -> None:
    body = {"kind": "speech", "inputs": [{"input": "a"}, {"input": "b"}]}
    replies = [idle.post("/v1/batches", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [202, 200]
    assert replies[0].json()["id"] == replies[1].json()["id"]
    assert len(idle.get("/v1/jobs").json()["data"]) == 2


def test_a_queued_job_is_cancelled_at_once_and_its_upload_goes(idle: TestClient, speech: bytes) -> None:
    job = idle.post("/v1/jobs", files={"file": ("a.wav", speech)}).json()
    assert len(_blobs(idle)) == 1
    cancelled = idle.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (cancelled["status"], cancelled["result"]) == ("cancelled", None)
    assert _blobs(idle) == []
    assert idle.post(f"/v1/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    result = idle.get(f"/v1/jobs/{job['id']}/result")
    assert (result.status_code, result.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize("what", ["jobs", "batches"])
def test_a_running_job_is_cancelled_before_its_lease_is_due(serve: Serve, key: Key, what: str) -> None:
    engine = Fickle()
    client = serve(engine, lease_seconds=600.0)
    client.headers.update(key(client, "admin"))
    body = (
        {"kind": "speech", "inputs": [{"input": "slow"}]}
        if what == "batches"
        else SPEECH | {"input": {"input": "slow"}}
    )
    made = client.post(f"/v1/{what}", json=body).json()
    assert engine.begun.wait(60)
    assert client.post(f"/v1/{what}/{made['id']}/cancel").status_code == 200
    job = client.get("/v1/jobs").json()["data"][0]
    assert ended_job(client, job["id"])["status"] == "cancelled"


def test_events_tell_of_every_change_and_end_with_the_job(client: TestClient) -> None:
    job = client.post("/v1/jobs", json=SPEECH).json()
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in reply.iter_lines() if line.startswith("data: ")]
    states = [json.loads(line.removeprefix("data: "))["status"] for line in lines]
    assert states[-1] == "succeeded"


@pytest.mark.parametrize(
    ("name", "begins"), [("text", "今天真高兴"), ("srt", "1\n"), ("vtt", "WEBVTT"), ("verbose_json", "{"), (None, "{")]
)
def test_a_transcript_is_given_in_every_format(client: TestClient, speech: bytes, name: str, begins: str) -> None:
    job = client.post("/v1/jobs", files={"file": ("a.wav", speech)}).json()
    ended_job(client, job["id"])
    reply = client.get(f"/v1/jobs/{job['id']}/result", params={"format": name} if name else {})
    assert reply.status_code == 200
    assert reply.text.startswith(begins)
    wrong = client.get(f"/v1/jobs/{job['id']}/result?format=pdf")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "format")


def test_the_result_is_what_the_online_route_answers(client: TestClient, speech: bytes) -> None:
    fields = {"response_format": "verbose_json"}
    job = client.post("/v1/jobs", files={"file": ("a.wav", speech)}, data=fields).json()
    ended_job(client, job["id"])
    later = client.get(f"/v1/jobs/{job['id']}/result").json()
    online = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)}, data=fields).json()
    for document in (later, online):
        document["tingshuo"].pop("job")
        # Seconds of speech: the stored times are rounded to the millisecond.
        document["tingshuo"].pop("emotions")
    assert later == online


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/jobs", {"kind": "speech", "input": {}}, "input"),
        ("/v1/jobs", {"kind": "speech", "input": {"input": "x", "speed": "fast"}}, "speed"),
        ("/v1/jobs", {"kind": "speech", "input": {"input": ["x"]}}, "input"),
        ("/v1/jobs", {"kind": "roundtrip", "input": {"sentences": 5}}, "sentences"),
        ("/v1/batches", {"kind": "speech", "inputs": [{"input": "x"}, {"input": 5}]}, "input"),
    ],
)
def test_what_is_wrong_with_the_work_itself_is_told_at_once(
    idle: TestClient, path: str, body: dict[str, Any], param: str
) -> None:
    reply = idle.post(path, json=body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert idle.get("/v1/jobs").json()["data"] == []


def test_a_replay_changes_what_it_is_told_to(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(keep_audio="all")
    client.headers.update(key(client, "admin"))
    first = ended_job(client, client.post("/v1/jobs", json=SPEECH).json()["id"])
    reply = client.post(f"/v1/jobs/{first['id']}/replay", json={"overrides": {"emotion": "sad"}})
    again = ended_job(client, reply.json()["id"])
    assert (reply.status_code, again["replay_of"]) == (202, first["id"])
    assert (again["parameters"]["emotion"], again["input_text"]) == ("sad", "hello")
    heard = ended_job(client, client.post("/v1/jobs", files={"file": ("a.wav", speech)}).json()["id"])
    assert client.get(f"/v1/jobs/{heard['id']}/audio").content == speech
    reply = client.post(f"/v1/jobs/{heard['id']}/replay", json={"overrides": {"language": "zh"}})
    assert ended_job(client, reply.json()["id"])["result"]["text"] == "今天真高兴"
    wrong = client.post(f"/v1/jobs/{first['id']}/replay", json={"overrides": {"emotoin": "sad"}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "emotoin")
    wrong = client.post(f"/v1/jobs/{first['id']}/replay", json={"overrides": {"speed": "fast"}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "speed")


def test_a_replay_has_no_room_for_a_file(idle: TestClient) -> None:
    job = idle.post("/v1/jobs", json=SPEECH).json()
    body = {"overrides": {"input": "x" * 1_000_000}}
    assert idle.post(f"/v1/jobs/{job['id']}/replay", json=body).status_code == 413


def test_without_its_input_a_job_cannot_be_replayed_and_the_message_says_why(serve: Serve, key: Key) -> None:
    client = serve(keep_text=False)
    client.headers.update(key(client, "admin"))
    job = ended_job(client, client.post("/v1/jobs", json=SPEECH).json()["id"])
    assert (job["status"], job["input_text"], job["characters"]) == ("succeeded", None, 5)
    reply = client.post(f"/v1/jobs/{job['id']}/replay", json={})
    assert reply.status_code == 400
    assert "TINGSHUO_KEEP_TEXT" in reply.json()["error"]["message"]
    reply = client.post(f"/v1/jobs/{job['id']}/replay", json={"overrides": {"input": "anew"}})
    assert ended_job(client, reply.json()["id"])["characters"] == 4


def test_a_text_that_may_not_be_kept_is_gone_when_its_job_has_ended(serve: Serve, key: Key) -> None:
    client = serve(keep_text=False)
    client.headers.update(key(client, "admin"))
    body = {"kind": "roundtrip", "input": {"sentences": ["机密四七"], "emotions": ["sad"]}}
    assert ended_job(client, client.post("/v1/jobs", json=body).json()["id"])["status"] == "succeeded"
    app: Any = client.app
    data = app.state.services.settings.data_dir / "tingshuo.db"
    from tingshuo import db
    from tingshuo.db import Job

    with db.session(app.state.services.settings) as session:
        row = session.query(Job).one()
    assert data.exists()
    assert "机密" not in json.dumps([row.request, row.parameters, row.result], ensure_ascii=False)


def test_jobs_are_found_by_what_was_heard_and_when(client: TestClient, speech: bytes) -> None:
    job = ended_job(client, client.post("/v1/jobs", files={"file": ("call.wav", speech)}).json()["id"])
    created = job["created_at"]
    for query in (
        {"emotion": "happy"},
        {"q": "真高兴"},
        {"q": "CALL"},
        {"engine": "ears"},
        {"since": created, "kind": "transcription"},
        {"caller": job["caller"]},
    ):
        assert [found["id"] for found in client.get("/v1/jobs", params=query).json()["data"]] == [job["id"]], query
    for query in ({"emotion": "sad"}, {"event": "laughter"}, {"q": "%"}, {"until": created}, {"caller": "cli"}):
        assert client.get("/v1/jobs", params=query).json()["data"] == [], query


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({**SPEECH, "priority": 101}, "priority"),
        ({**SPEECH, "max_attempts": 0}, "max_attempts"),
        ({**SPEECH, "webhook": "http://127.0.0.1/x"}, "webhook"),
        ({**SPEECH, "kind": "transcription"}, "kind"),
        ({**SPEECH, "inptu": {}}, "inptu"),
        ({"kind": "speech", "input": {"input": "x", "voice": "nobody"}}, "voice"),
        ({"kind": "speech"}, "input"),
    ],
)
def test_a_job_that_cannot_be_is_refused_at_once(idle: TestClient, body: dict[str, Any], param: str) -> None:
    reply = idle.post("/v1/jobs", json=body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert idle.get("/v1/jobs").json()["data"] == []


def test_what_is_no_job_at_all_is_refused(idle: TestClient) -> None:
    for reply in (
        idle.post("/v1/jobs", content=b"hello", headers={"Content-Type": "text/plain"}),
        idle.post("/v1/jobs", content=b"{", headers={"Content-Type": "application/json"}),
        idle.post("/v1/jobs", files={"file": ("a.wav", b"")}),
        idle.post("/v1/jobs", data={"kind": "transcription"}, files={"other": ("a.wav", b"x")}),
    ):
        assert reply.status_code == 400, reply.text
        assert sorted(reply.json()["error"]) == ["code", "message", "param", "type"]


def test_a_full_queue_says_so(serve: Serve, key: Key) -> None:
    client = serve(job_threads=0, max_queued_jobs=1)
    client.headers.update(key(client, "admin"))
    assert client.post("/v1/jobs", json=SPEECH).status_code == 202
    reply = client.post("/v1/jobs", json=SPEECH)
    assert (reply.status_code, reply.json()["error"]["code"], reply.headers["retry-after"]) == (
        503,
        "server_busy",
        "60",
    )


def test_a_key_needs_the_scope_of_the_work_and_sees_its_own_jobs(serve: Serve, key: Key) -> None:
    client = serve(job_threads=0)
    jobs, speaker, other = key(client, "jobs"), key(client, "jobs", "speak"), key(client, "jobs", "speak")
    assert client.post("/v1/jobs", json=SPEECH, headers=jobs).status_code == 403
    job = client.post("/v1/jobs", json=SPEECH, headers=speaker).json()["id"]
    for path in (f"/v1/jobs/{job}/cancel", f"/v1/jobs/{job}/replay"):
        assert client.post(path, json={}, headers=other).status_code == 404
    for path in (f"/v1/jobs/{job}/events", f"/v1/jobs/{job}/result"):
        assert client.get(path, headers=other).status_code == 404
    batch = client.post("/v1/batches", json={"kind": "speech", "inputs": [{"input": "a"}]}, headers=speaker).json()
    assert client.get(f"/v1/batches/{batch['id']}", headers=other).status_code == 404
    assert client.get("/v1/batches", headers=other).json()["data"] == []
