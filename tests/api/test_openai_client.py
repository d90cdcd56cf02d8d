"""The official `openai` package against a live server: what it sends, what it reads back, what it raises."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from live_server import Live
from openai.types.audio import TranscriptionVerbose

from tingshuo.audio import Limits, read_audio
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer
from tingshuo.types import TranscribeOptions


@pytest.fixture(scope="module")
def sdk(live: Live) -> Iterator[openai.OpenAI]:
    """The client with an admin key."""
    with _client(live, live.token("admin")) as client:
        yield client


def _client(live: Live, token: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key=token, max_retries=0)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
def test_speech_is_created_in_every_format(sdk: openai.OpenAI, name: Any) -> None:
    reply = sdk.audio.speech.create(
        model="tts-1", voice="alloy", input="hello", response_format=name, extra_body={"emotion": "happy"}
    )
    (_, audio), *_ = read_audio(io.BytesIO(reply.content), Limits.of(Settings()))
    segment = ToneRecognizer().transcribe(_at_16k(audio), TranscribeOptions()).segments[0]
    assert (segment.text, segment.emotion) == ("hello", "happy")


def _at_16k(audio: Any) -> Any:
    from tingshuo.audio import resample

    return resample(audio, 16_000)


def test_speech_streams_into_a_file(sdk: openai.OpenAI, tmp_path: Any) -> None:
    with sdk.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="nova", input="hello", instructions="Cheerful.", response_format="pcm", speed=1.0
    ) as reply:
        reply.stream_to_file(tmp_path / "hello.pcm")
    assert (tmp_path / "hello.pcm").stat().st_size > 24_000


def test_json_is_read_with_what_is_ours(sdk: openai.OpenAI, speech: bytes) -> None:
    reply = sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", speech))
    assert reply.text == "今天真高兴"
    assert reply.usage is not None
    assert reply.usage.type == "duration"
    assert reply.model_extra is not None
    assert reply.model_extra["tingshuo"]["segments"][0]["emotion"]["label"] == "happy"


def test_verbose_json_is_read_with_segments_and_words(sdk: openai.OpenAI, speech: bytes) -> None:
    reply = sdk.audio.transcriptions.create(
        model="ears",
        file=("a.wav", speech),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="zh",
        prompt="names",
        temperature=0,
    )
    assert isinstance(reply, TranscriptionVerbose)
    assert (reply.language, reply.text, reply.words) == ("chinese", "今天真高兴", [])
    assert reply.segments is not None
    segment = reply.segments[0]
    assert segment.model_dump(exclude={"tingshuo", "start", "end", "seek", "compression_ratio"}) == {
        "id": 0,
        "text": "今天真高兴",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "no_speech_prob": 0.0,
    }
    assert segment.model_extra is not None
    assert segment.model_extra["tingshuo"]["timing"] == "model"
    TranscriptionVerbose.model_validate(reply.model_dump())  # the SDK itself does not validate


@pytest.mark.parametrize(("name", "begins"), [("text", "今天真高兴\n"), ("srt", "1\n00:00:00,"), ("vtt", "WEBVTT\n\n")])
def test_text_and_subtitles_are_read_as_text(sdk: openai.OpenAI, speech: bytes, name: Any, begins: str) -> None:
    reply: Any = sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", speech), response_format=name)
    assert isinstance(reply, str)
    assert reply.startswith(begins)


def test_models_are_listed_and_found(sdk: openai.OpenAI) -> None:
    assert [(model.id, model.object, model.owned_by) for model in sdk.models.list()] == [
        ("ears", "model", "tingshuo"),
        ("tones", "model", "tingshuo"),
    ]
    assert sdk.models.retrieve("tones").created == 0


def test_errors_are_raised_as_their_classes(live: Live, sdk: openai.OpenAI, speech: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        sdk.audio.speech.create(model="tts-1", voice="alloy", input="hello", extra_body={"emotion": "hangry"})
    assert (bad.value.param, bad.value.code, bad.value.type) == (
        "emotion",
        "unsupported_emotion",
        "invalid_request_error",
    )
    assert bad.value.request_id is not None
    assert bad.value.request_id.startswith("req_")
    with pytest.raises(openai.NotFoundError) as missing:
        sdk.audio.speech.create(model="gpt-9", voice="alloy", input="hello")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("gpt-9")
    with _client(live, "ts-wrong") as stranger, pytest.raises(openai.AuthenticationError) as wrong:
        stranger.models.list()
    assert wrong.value.code == "invalid_api_key"
    with _client(live, live.token("speak")) as mute, pytest.raises(openai.PermissionDeniedError) as denied:
        mute.audio.transcriptions.create(model="whisper-1", file=("a.wav", speech))
    assert denied.value.code == "permission_denied"


def test_an_upload_that_is_too_large_is_told_before_the_connection_closes(live: Live) -> None:
    headers = {"Authorization": f"Bearer {live.token('transcribe')}"}
    with httpx2.Client(base_url=live.url, headers=headers) as client:
        for _ in range(3):
            reply = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"\0" * 20_000_000)})
            assert (reply.status_code, reply.json()["error"]["code"]) == (413, "limit_exceeded")
        assert client.get("/healthz").status_code == 200


def test_an_upload_without_an_announced_length_is_cut_off_too(live: Live) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'

    def parts() -> Iterator[bytes]:
        yield head
        for _ in range(320):
            yield b"\0" * 2**16

    headers = {
        "Authorization": f"Bearer {live.token('transcribe')}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    reply = httpx2.post(f"{live.url}/v1/audio/transcriptions", content=parts(), headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "limit_exceeded")


def test_a_client_that_goes_away_breaks_nothing(live: Live) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    request = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.token('transcribe')}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n"
    )
    for _ in range(3):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request.encode())
    assert httpx2.get(f"{live.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /tts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_breaks_nothing(live: Live, request_bytes: bytes) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65_536)
    assert httpx2.get(f"{live.url}/healthz").status_code == 200
