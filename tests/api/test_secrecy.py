"""No log line holds what was said or written, nor a key: whatever is asked for, and whatever goes wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo import Audio, TranscribeOptions, Transcript, Utterance, logs
from tingshuo.audio import encode
from tingshuo.settings import load_settings
from tingshuo.testing import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Emotion

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

SECRET = "今天真高兴"


class LoudSynthesizer(ToneSynthesizer):
    """Fails with the words it was to speak."""

    def synthesize(self, utterance: Utterance) -> Audio:
        raise ValueError(f"cannot speak {utterance.text!r}")


class LoudRecognizer(ToneRecognizer):
    """Fails with the words it heard."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        heard = super().transcribe(audio, options)
        raise RuntimeError(f"cannot write {heard.text!r}") from KeyError(heard.text)


class Written:
    """What a server that logs at debug writes to stderr."""

    def __init__(self, capture: pytest.CaptureFixture[str], log_format: str) -> None:
        self._capture, self._format = capture, log_format

    def start(self) -> None:
        """Send log lines to stderr as it is now: pytest has another one for each part of a test."""
        logs.configure(load_settings(log_format=self._format), "debug")

    def __call__(self) -> str:
        return self._capture.readouterr().err


@pytest.fixture(params=["text", "json"])
def stderr(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What is written in either format; the logging of the test run is put back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    yield Written(capsys, request.param)
    root.handlers = before
    root.setLevel(level)


@pytest.fixture
def said() -> bytes:
    """A recording in which the tone recognizer hears the secret."""
    return encode(ToneSynthesizer().synthesize(Utterance(SECRET, "high", Emotion.HAPPY)), "wav")


def _everything(client: TestClient, headers: dict[str, str], said: bytes) -> list[int]:
    form = {"file": (f"{SECRET}.wav", said)}
    speech = {"input": SECRET, "response_format": "wav"}
    replies = [
        client.post("/v1/audio/speech", headers=headers, json=speech),
        client.post("/v1/audio/speech", headers=headers, json={**speech, "voice": SECRET}),
        client.post("/v1/audio/speech", headers=headers, json={**speech, SECRET: 1}),
        client.post("/v1/audio/speech", headers=headers, content=f'{{"input": "{SECRET}'.encode()),
        client.post("/v1/audio/transcriptions", headers=headers, files=form),
        client.post("/v1/audio/transcriptions", headers=headers, files=form, data={"language": SECRET}),
        client.post("/v1/audio/transcriptions", headers=headers, files={"file": ("a.wav", SECRET.encode())}),
        client.post("/v1/roundtrips", headers=headers, json={"sentences": [SECRET], "emotions": ["happy"]}),
        client.post("/tts", headers=headers, json={"text": SECRET}),
        client.get(f"/{SECRET}?q={SECRET}", headers=headers),
        client.get(f"/v1/jobs/{SECRET}", headers=headers),
        client.get("/v1/jobs", headers={"Authorization": f"Bearer ts-{'s' * 43}"}),
    ]
    return [reply.status_code for reply in replies]


def test_no_line_holds_a_text_a_transcript_or_a_key(serve: Serve, key: Key, said: bytes, stderr: Written) -> None:
    stderr.start()
    client = serve()
    headers = key(client, "all")
    assert _everything(client, headers, said) == [200, 400, 400, 400, 200, 400, 400, 200, 200, 404, 404, 401]
    _check(stderr(), headers)


def test_neither_does_one_where_the_engines_fail(serve: Serve, key: Key, said: bytes, stderr: Written) -> None:
    stderr.start()
    client = serve(LoudSynthesizer(), LoudRecognizer())
    headers = key(client, "all")
    statuses = _everything(client, headers, said)
    assert (statuses[0], statuses[4], statuses[8]) == (500, 500, 500)
    written = stderr()
    _check(written, headers)
    assert "builtins.ValueError" in written
    assert "builtins.RuntimeError" in written


def test_neither_does_one_where_the_server_itself_fails(
    serve: Serve, key: Key, said: bytes, stderr: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr.start()
    client = serve()
    headers = key(client, "all")

    def fail(*_: object, **__: object) -> None:
        raise LookupError(f"no place for {SECRET!r}")

    monkeypatch.setattr(client.app.state.services.history, "record", fail)  # type: ignore[attr-defined]
    assert _everything(client, headers, said)[0] == 500
    _check(stderr(), headers)


def _check(written: str, headers: dict[str, str]) -> None:
    escaped = json.dumps(SECRET)[1:-1]
    for secret in (SECRET, SECRET[:3], escaped, "%E4%BB%8A%E5%A4%A9", headers["Authorization"][7:], "sssss"):
        assert secret not in written
    assert "POST /v1/audio/speech" in written
    assert "GET /v1/jobs/{job_id} 404" in written
    assert "GET (none) 404" in written
    assert "req_" in written
