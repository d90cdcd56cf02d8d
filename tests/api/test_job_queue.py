"""Queued jobs over the API: from the request to the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from api_calls import ended_job
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

SPEECH = {"kind": "speech", "input": {"input": "hello", "response_format": "wav"}}


def test_a_speech_is_done_later(serve: Serve, key: Key) -> None:
    client = serve(keep_audio="output")
    client.headers.update(key(client, "admin"))
    reply = client.post("/v1/jobs", json=SPEECH)
    job = reply.json()
    assert reply.status_code == 202
    assert reply.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["object"], job["status"], job["queue"], job["attempts"]) == ("job", "queued", "cpu", 0)
    done = ended_job(client, job["id"])
    assert (done["status"], done["progress"], done["attempts"]) == ("succeeded", 1.0, 1)
    assert done["input_text"] == "hello"
    audio = client.get(f"/v1/jobs/{job['id']}/audio")
    assert audio.content.startswith(b"RIFF")
    assert len(audio.content) == done["audio_size"]


def test_a_transcription_is_done_later(client: TestClient, speech: bytes) -> None:
    reply = client.post("/v1/jobs", files={"file": ("a.wav", speech)}, data={"kind": "transcription", "priority": "5"})
    assert reply.status_code == 202, reply.text
    done = ended_job(client, reply.json()["id"])
    assert (done["status"], done["priority"], done["input_name"]) == ("succeeded", 5, "a.wav")
    assert done["result"]["text"] == "今天真高兴"


def test_a_round_trip_is_done_later(client: TestClient) -> None:
    reply = client.post("/v1/jobs", json={"kind": "roundtrip", "input": {"sentences": ["你好"], "emotions": ["sad"]}})
    done = ended_job(client, reply.json()["id"])
    assert (done["status"], done["result"]["cer"], done["result"]["n"]) == ("succeeded", 0.0, 1)
