"""POST /v1/audio/transcriptions: what is refused, and what is odd but taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from api_calls import refusal, send
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Wav: TypeAlias = Callable[..., bytes]

ROUTE = "/v1/audio/transcriptions"


@pytest.mark.parametrize(
    ("fields", "param", "status"),
    [
        ({"response_format": "xml"}, "response_format", 400),
        ({"response_format": "diarized_json"}, "response_format", 400),  # the file is mono
        ({"response_format": "diarized_json", "channel": "mix"}, "channel", 400),
        ({"response_format": "diarized_json", "known_speaker_names[]": ["agent"]}, "known_speaker_names", 400),
        ({"response_format": "diarized_json", "known_speaker_names[]": ["a", "a"]}, "known_speaker_names", 400),
        ({"known_speaker_names[]": ["agent", "customer"]}, "known_speaker_names", 400),
        ({"known_speaker_references[]": "data:audio/wav;base64,x"}, "known_speaker_references", 400),
        ({"timestamp_granularities[]": "syllable"}, "timestamp_granularities", 400),
        ({"itn": "maybe"}, "itn", 400),
        ({"force_emotion": "2"}, "force_emotion", 400),
        ({"merge_length_s": "0"}, "merge_length_s", 400),
        ({"merge_length_s": "nan"}, "merge_length_s", 400),
        ({"temperature": "hot"}, "temperature", 400),
        ({"channel": "middle"}, "channel", 400),
        ({"channel": "left"}, "channel", 400),  # the file is mono
        ({"language": "xx"}, "language", 400),
        ({"languages[]": ["zh", "xx"]}, "language", 400),
        ({"rich": "fr"}, "rich", 400),
        ({"rich": "zh", "response_format": "srt"}, "rich", 400),
        ({"raw": "1", "emoji": "1"}, "raw", 400),
        ({"stream": "maybe"}, "stream", 400),
        ({"stream": "true", "response_format": "srt"}, "stream", 400),
        ({"stream": "true", "emoji": "true"}, "stream", 400),
        ({"stream": "true", "language": "xx"}, "language", 400),
        ({"chunking_strategy": "{}"}, "chunking_strategy", 400),
        ({"chunking_strategy": "never"}, "chunking_strategy", 400),
        ({"chunking_strategy": "[" * 20_000}, "chunking_strategy", 400),
        ({"chunking_strategy": '{"type": "server_vad", "threshold": 2}'}, "chunking_strategy", 400),
        ({"chunking_strategy[type]": "semantic_vad"}, "chunking_strategy", 400),
        ({"chunking_strategy[type]": "server_vad"}, "chunking_strategy", 400),  # this engine has none to tune
        ({"include[]": "logprobs"}, "include", 400),  # this engine gives none
        ({"include[]": "logprobs", "response_format": "text"}, "include", 400),
        ({"include[]": "usage"}, "include", 400),
        ({"lnaguage": "zh"}, "lnaguage", 400),
        ({"language": ["zh", "en"]}, "language", 400),
        ({"model": "tones"}, "model", 404),
        ({"model": "whisper-9"}, "model", 404),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_at_fault(
    client: TestClient, speech: bytes, fields: dict[str, Any], param: str, status: int
) -> None:
    got, at_fault, _ = refusal(send(client, speech, **fields))
    assert (got, at_fault) == (status, param)
    assert client.get("/v1/jobs").json()["data"] == []


def test_translations_are_told_to_be_unsupported(client: TestClient, speech: bytes) -> None:
    reply = client.post("/v1/audio/translations", files={"file": ("a.wav", speech)}, data={"model": "whisper-1"})
    assert refusal(reply) == (400, None, "invalid_request")
    assert "not supported" in reply.json()["error"]["message"]


def test_the_file_has_to_be_a_file(client: TestClient, speech: bytes) -> None:
    assert refusal(client.post(ROUTE, data={"file": "a.wav"}, files={"x": b""}))[:2] == (400, "file")
    assert refusal(client.post(ROUTE, files={"audio": ("a.wav", speech)}))[:2] == (400, "file")
    assert refusal(client.post(ROUTE, files=[("file", b"a"), ("file", b"b")]))[0] == 400
    assert refusal(client.post(ROUTE, json={"file": "a.wav"}))[0] == 400
    assert refusal(client.post(ROUTE))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--b\r\n",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a',
        b"\xff\xfe" * 1000,
    ],
)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", "multipart/form-data", "multipart/x"])
def test_a_form_that_is_none_is_refused(client: TestClient, body: bytes, content_type: str) -> None:
    assert refusal(client.post(ROUTE, content=body, headers={"Content-Type": content_type}))[0] == 400


# Starlette leaves the temporary file of such a form to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_form_that_breaks_off_is_refused(client: TestClient) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
    reply = client.post(ROUTE, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert refusal(reply) == (400, "file", "invalid_request")


def _forged(declared: int, sample_rate: int = 16_000, channels: int = 1) -> bytes:
    """A wav header that promises `declared` bytes of samples, and two of them."""
    size = declared.to_bytes(4, "little")
    rate, bytes_a_second = (value.to_bytes(4, "little") for value in (sample_rate, sample_rate * channels * 2 % 2**32))
    layout = b"\x01\x00" + channels.to_bytes(2, "little") + rate + bytes_a_second + b"\x02\x00\x10\x00"
    return b"RIFF" + size + b"WAVEfmt \x10\x00\x00\x00" + layout + b"data" + size + b"\x00\x00"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"RIFF",
        bytes(range(256)) * 100,
        b"<html>not audio</html>",
        b"#EXTM3U\nhttp://127.0.0.1/secret\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        _forged(2),
        _forged(0xFFFF_FFF0),
        _forged(0xFFFF_FFF0, sample_rate=0xFFFF_FFFF, channels=0xFFFF),
        _forged(100, sample_rate=0),
        _forged(100, channels=0),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_no_sound_is_refused_as_such(client: TestClient, content: bytes) -> None:
    assert refusal(send(client, content)) == (400, "file", "invalid_audio")


def test_one_sample_is_too_little_and_the_message_says_what_is_enough(client: TestClient, wav: Wav) -> None:
    reply = send(client, wav([[0.5]]))
    assert refusal(reply) == (400, "file", "invalid_audio")
    assert "at least" in reply.json()["error"]["message"]


def test_silence_is_transcribed_to_nothing(client: TestClient, wav: Wav) -> None:
    silence = wav([[0.0] * 16_000])
    assert send(client, silence).json()["text"] == ""
    assert send(client, silence, response_format="text").text == "\n"
    verbose = send(client, silence, response_format="verbose_json").json()
    assert (verbose["segments"], verbose["language"]) == ([], "")
    assert send(client, silence, response_format="vtt").text.startswith("WEBVTT")


def test_more_seconds_than_the_limit_are_refused(serve: Serve, key: Key, wav: Wav) -> None:
    client = serve(max_audio_seconds=0.5)
    client.headers.update(key(client, "transcribe"))
    assert refusal(send(client, wav([[0.0] * 16_000]))) == (413, "file", "limit_exceeded")


@pytest.mark.parametrize("announced", [True, False])
def test_more_bytes_than_the_limit_are_refused_while_they_come(serve: Serve, key: Key, announced: bool) -> None:
    client = serve(max_upload_bytes=1000)
    client.headers.update(key(client, "transcribe"))
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    sent = 0

    def parts() -> Any:
        nonlocal sent
        yield head
        for _ in range(100):
            sent += 1
            yield b"\0" * 2**16

    content = head + b"\0" * (100 * 2**16) if announced else parts()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert refusal(client.post(ROUTE, content=content, headers=headers))[::2] == (413, "limit_exceeded")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\r\nSet-Cookie: x=1.wav", 'a"; filename="b.wav', "名字.wav", "x" * 2000, "\0.wav"]
)
def test_a_file_may_be_called_anything(client: TestClient, speech: bytes, name: str) -> None:
    reply = send(client, speech, name=name)
    assert reply.status_code == 200, reply.text
    assert "set-cookie" not in reply.headers
    kept = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()["input_name"]
    assert len(kept) <= 255
    assert not set(kept) & set("/\\\r\n\0")
