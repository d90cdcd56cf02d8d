"""Every error is in OpenAI's envelope and carries a request id; nothing of the inside is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import pytest
from starlette.testclient import TestClient

from tingshuo.errors import EngineUnavailable
from tingshuo.jobs import History
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, Utterance

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

SPEECH = "/v1/audio/speech"


def _error(reply: httpx2.Response) -> dict[str, Any]:
    error: dict[str, Any] = reply.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"]
    return error


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/models/", 404),
        ("GET", SPEECH, 405),
        ("PUT", "/v1/jobs/x", 405),
        ("BREW", "/healthz", 405),
        ("GET", "/v1/%00", 404),
    ],
)
def test_a_route_that_is_none_is_told_in_the_envelope(client: TestClient, method: str, path: str, status: int) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert _error(reply)["type"] == "invalid_request_error"
    if status == 405:
        assert reply.headers["allow"]


def test_a_wrong_method_is_told_all_that_the_path_has(client: TestClient) -> None:
    reply = client.put("/v1/jobs/x")
    assert reply.headers["allow"] == "DELETE, GET"
    assert "allowed: DELETE, GET" in _error(reply)["message"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"input": "\xff\xfe"}', "application/json"),
        (b"\x00\x01\x02", "application/json"),
        (b'"hello"', "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'{"input": "hello"}', "text/plain"),
        (b'{"input": "hello"}', ""),
        (b"input=hello", "application/x-www-form-urlencoded"),
        (b'{"input": "hello"' + b"}" * 1000, "application/json"),
        (b"[" * 20_000, "application/json"),
        (b'{"extra":' * 5_000 + b"1" + b"}" * 5_000, "application/json"),
        (b'{"speed": 1' + b"0" * 5_000 + b', "input": "x"}', "application/json"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_body_that_is_none_is_a_bad_request(client: TestClient, body: bytes, content_type: str) -> None:
    reply = client.post(SPEECH, content=body, headers={"Content-Type": content_type})
    assert reply.status_code == 400
    assert _error(reply)["type"] == "invalid_request_error"


def test_ten_megabytes_of_json_are_too_many(client: TestClient) -> None:
    body = json.dumps({"input": "x" * 10_000_000}).encode()
    reply = client.post(SPEECH, content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, _error(reply)["code"]) == (413, "limit_exceeded")


def test_the_longest_text_fits_however_it_is_spelt(client: TestClient) -> None:
    body = json.dumps({"input": "\U0001f600" * 10_000, "response_format": "pcm", "extra": {"pause": 0}})
    assert len(body) > 120_000
    reply = client.post(SPEECH, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200


def test_the_request_id_is_the_callers_own_where_it_is_sane(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for odd in ("a b", "x" * 129, "ä", ""):
        headers: Any = [(b"x-request-id", odd.encode())]
        assert client.get("/healthz", headers=headers).headers["x-request-id"].startswith("req_")


class Broken(ToneSynthesizer):
    """An engine that raises what no engine should."""

    def synthesize(self, utterance: Utterance) -> Audio:
        raise ZeroDivisionError("at line 7")


class Unloadable(ToneRecognizer):
    """An engine whose weights cannot be read."""

    def load(self) -> None:
        raise EngineUnavailable("no graphics card")


class Slow(ToneSynthesizer):
    """An engine that works until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go_on = threading.Event(), threading.Event()

    def synthesize(self, utterance: Utterance) -> Audio:
        self.entered.set()
        assert self.go_on.wait(30)
        return super().synthesize(utterance)


def test_an_engine_that_raises_is_a_failed_job_and_a_500(serve: Serve, key: Key) -> None:
    client = serve(Broken(), ToneRecognizer())
    client.headers.update(key(client, "admin"))
    reply = client.post(SPEECH, json={"input": "hello"})
    assert (reply.status_code, _error(reply)["code"], _error(reply)["type"]) == (500, "engine_failed", "server_error")
    job = client.get("/v1/jobs").json()["data"][0]
    assert (job["status"], job["error_code"]) == ("failed", "engine_failed")


def test_an_engine_that_cannot_load_is_a_503(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(Unloadable(), ToneSynthesizer(), preload=True)
    client.headers.update(key(client, "admin"))
    reply = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)})
    assert (reply.status_code, _error(reply)["code"]) == (503, "engine_unavailable")
    assert "no graphics card" in _error(reply)["message"]


def test_a_full_queue_is_a_503_that_says_when_to_come_back(
    serve: Serve, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tingshuo")
    slow = Slow()
    client = serve(slow, ToneRecognizer(), engine_queue=1)
    client.headers.update(key(client, "admin"))
    first: list[int] = []
    waiting = threading.Thread(target=lambda: first.append(client.post(SPEECH, json={"input": "one"}).status_code))
    waiting.start()
    assert slow.entered.wait(30)
    reply = client.post(SPEECH, json={"input": "two"})
    assert client.get("/healthz").status_code == 200  # the event loop is free
    slow.go_on.set()
    waiting.join()
    assert (reply.status_code, _error(reply)["code"], reply.headers["retry-after"]) == (503, "engine_busy", "5")
    assert [record.levelname for record in caplog.records if "engine_busy" in record.getMessage()] == ["INFO"]
    assert first == [200]
    assert sorted(job["status"] for job in client.get("/v1/jobs").json()["data"]) == ["failed", "succeeded"]


def test_a_failure_of_ours_tells_nothing_of_the_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("password is 4711")

    monkeypatch.setattr(History, "list", fails)
    reply = client.get("/v1/jobs", headers={"x-request-id": "mine"})
    assert reply.status_code == 500
    assert _error(reply) == {
        "message": "the server failed; its log tells why under mine",
        "type": "server_error",
        "param": None,
        "code": "server_error",
    }
    assert reply.headers["x-request-id"] == "mine"


def test_a_full_disk_is_a_507_and_no_answer_that_looks_good(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    reply = client.post("/tts", json={"text": "hello"})
    assert (reply.status_code, _error(reply)["code"]) == (507, "storage_full")
    assert client.get("/v1/jobs").json()["data"][0]["error_code"] == "storage_full"
