"""POST /v1/audio/speech and POST /tts: text in, audio out."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from tingshuo.audio import FORMATS, Limits, read_audio
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer
from tingshuo.types import Emotion, TranscribeOptions, Transcript

SPEECH = "/v1/audio/speech"


def _heard(content: bytes) -> Transcript:
    (_, audio), *_ = read_audio(io.BytesIO(content), Limits.of(Settings()))
    assert audio.sample_rate == 16_000
    return ToneRecognizer().transcribe(audio, TranscribeOptions())


def test_what_was_asked_for_is_said_with_its_emotion(client: TestClient) -> None:
    reply = client.post(SPEECH, json={"input": "今天真高兴", "emotion": "happy", "response_format": "wav"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/wav")
    transcript = _heard(reply.content)
    assert (transcript.text, transcript.segments[0].emotion) == ("今天真高兴", Emotion.HAPPY)


@pytest.mark.parametrize(
    ("name", "begins"),
    [("mp3", b"\xff"), ("opus", b"OggS"), ("aac", b"\xff\xf1"), ("flac", b"fLaC"), ("wav", b"RIFF"), ("pcm", b"")],
)
def test_every_format_comes_with_its_own_type(client: TestClient, name: str, begins: bytes) -> None:
    reply = client.post(SPEECH, json={"input": "hello", "response_format": name})
    assert reply.headers["content-type"] == FORMATS[name]
    assert reply.content.startswith(begins) or reply.content.startswith(b"ID3")
    assert reply.headers["x-tingshuo-job"].startswith("job_")


def test_mp3_is_the_default_because_open_webui_stores_it_as_such(client: TestClient) -> None:
    assert client.post(SPEECH, json={"input": "hello"}).headers["content-type"] == "audio/mpeg"


def test_pcm_has_24_kilohertz_because_clients_assume_it(client: TestClient) -> None:
    flat = client.post(SPEECH, json={"input": "hello", "response_format": "pcm"})
    wave = client.post(SPEECH, json={"input": "hello", "response_format": "wav"})
    (_, audio), *_ = read_audio(io.BytesIO(wave.content), Limits.of(Settings()))
    assert len(flat.content) / 2 / 24_000 == pytest.approx(audio.duration, abs=0.01)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "tts-1", "voice": "alloy"},
        {"model": "gpt-4o-mini-tts", "voice": {"id": "high"}},
        {"model": "tones", "voice": "low", "stream_format": "audio"},
        {"voice": None, "emotion": None, "speed": None, "instructions": "Speak like a pirate."},
        {"speed": 2, "pitch": 0, "volume": 0.5, "intensity": 1, "extra": {"pause": 0.2}},
    ],
)
def test_openais_names_and_fields_and_ours_are_taken(client: TestClient, fields: dict[str, Any]) -> None:
    reply = client.post(SPEECH, json={"input": "hello", "response_format": "wav", **fields})
    assert reply.status_code == 200, reply.text
    transcript = _heard(reply.content)
    assert (transcript.text, transcript.segments[0].emotion) == ("hello", Emotion.NEUTRAL)


@pytest.mark.parametrize(
    ("instructions", "emotion"),
    [("Sad", "sad"), ("Speak in a furious tone.", "angry"), ("用悲伤的语气", "sad"), ("not sad", "neutral")],
)
def test_instructions_that_name_an_emotion_plainly_are_followed(
    client: TestClient, instructions: str, emotion: str
) -> None:
    reply = client.post(SPEECH, json={"input": "hello", "response_format": "wav", "instructions": instructions})
    assert _heard(reply.content).segments[0].emotion == emotion


def test_the_emotion_wins_over_instructions(client: TestClient) -> None:
    body = {"input": "hello", "response_format": "wav", "instructions": "sad", "emotion": "happy"}
    assert _heard(client.post(SPEECH, json=body).content).segments[0].emotion == Emotion.HAPPY


def test_instructions_are_a_wish_that_the_voice_may_not_be_able_to_fulfil(client: TestClient) -> None:
    body = {"input": "hello", "response_format": "wav", "voice": "low", "instructions": "Sound sad."}
    assert _heard(client.post(SPEECH, json=body).content).segments[0].emotion == Emotion.NEUTRAL


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"input": ""}, 400, "input", "invalid_request"),
        ({"input": " \n\t\u3000"}, 400, "input", "invalid_request"),
        ({"input": None}, 400, "input", "invalid_request"),
        ({"input": 7}, 400, "input", "invalid_request"),
        ({"input": "x" * 10_001}, 413, "input", "limit_exceeded"),
        ({"input": "half \ud83d"}, 400, "input", "invalid_request"),
        ({"extra": {"\udc00": 1}}, 400, "extra", "invalid_request"),
        ({"model": "gpt-9"}, 404, "model", "model_not_found"),
        ({"model": "ears"}, 404, "model", "model_not_found"),
        ({"voice": "nobody"}, 400, "voice", "voice_not_found"),
        ({"voice": "../../etc/passwd"}, 400, "voice", "voice_not_found"),
        ({"voice": {"id": 3}}, 400, "voice", "invalid_request"),
        ({"voice": {"name": "high"}}, 400, "name", "invalid_request"),
        ({"voice": "low", "emotion": "sad"}, 400, "emotion", "unsupported_emotion"),
        ({"emotion": "hangry"}, 400, "emotion", "unsupported_emotion"),
        ({"emotoin": "sad"}, 400, "emotoin", "invalid_request"),
        ({"response_format": "ogg"}, 400, "response_format", "unsupported_format"),
        ({"stream": "maybe"}, 400, "stream", "invalid_request"),
        ({"stream_format": "x"}, 400, "stream_format", "invalid_request"),
        ({"speed": 0.1}, 400, "speed", "invalid_request"),
        ({"speed": "fast"}, 400, "speed", "invalid_request"),
        ({"intensity": 2.1}, 400, "intensity", "invalid_request"),
        ({"pitch": 13}, 400, "pitch", "invalid_request"),
        ({"volume": -1}, 400, "volume", "invalid_request"),
        ({"extra": {"trust": True}}, 400, "extra", "invalid_request"),
        ({"extra": [1]}, 400, "extra", "invalid_request"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_at_fault(
    client: TestClient, fields: dict[str, Any], status: int, param: str, code: str
) -> None:
    body = json.dumps({"input": "hello", **fields})
    reply = client.post(SPEECH, content=body, headers={"Content-Type": "application/json"})
    error = reply.json()["error"]
    assert (reply.status_code, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"
    assert client.get("/v1/jobs").json()["data"] == []


def test_a_misspelt_field_is_answered_with_the_right_one(client: TestClient) -> None:
    message = client.post(SPEECH, json={"input": "hello", "emotoin": "sad"}).json()["error"]["message"]
    assert message == "unknown field 'emotoin'; did you mean 'emotion'?"


def test_numbers_that_are_none_are_refused(client: TestClient) -> None:
    for number in ("NaN", "Infinity", "1e999"):
        body = f'{{"input": "hello", "speed": {number}}}'
        reply = client.post(SPEECH, content=body, headers={"Content-Type": "application/json"})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "speed")


@pytest.mark.parametrize("text", ["😀😀", "\x00\x01\x1b[31m", "\u202e\ufeff", "a" * 10_000])
def test_odd_texts_are_spoken_or_refused_but_break_nothing(client: TestClient, text: str) -> None:
    reply = client.post(SPEECH, json={"input": text, "response_format": "pcm"})
    assert reply.status_code == 200, reply.text


def test_the_job_tells_what_was_said_and_how(client: TestClient) -> None:
    reply = client.post(SPEECH, json={"input": "你好", "emotion": "sad", "speed": 2, "response_format": "flac"})
    job = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()
    assert (job["kind"], job["status"], job["engine"], job["input_text"]) == ("speech", "succeeded", "tones", "你好")
    assert job["parameters"]["emotion"] == "sad"
    assert job["parameters"]["voice"] == "high"
    assert job["parameters"]["response_format"] == "flac"
    assert job["result"]["sample_rate"] == 16_000
    assert (job["characters"], job["audio_size"]) == (2, None)


# ---- the one-call interface


@pytest.mark.parametrize("path", ["/tts", "/synthesize"])
def test_the_one_call_interface_answers_with_a_link_that_needs_no_key(client: TestClient, path: str) -> None:
    reply = client.post(path, json={"text": "今天真高兴", "emotion": "happy", "speed": 1.0}).json()
    assert sorted(reply) == ["audio_url", "duration", "sample_rate", "status"]
    assert (reply["status"], reply["sample_rate"]) == ("success", 16_000)
    assert urlsplit(reply["audio_url"]).netloc == "testserver"
    del client.headers["Authorization"]
    audio = client.get(reply["audio_url"])
    assert (audio.status_code, audio.headers["content-type"]) == (200, "audio/wav")
    assert audio.headers["x-content-type-options"] == "nosniff"
    assert _heard(audio.content).segments[0].emotion == Emotion.HAPPY
    part = client.get(reply["audio_url"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")


def test_a_link_that_was_tampered_with_opens_nothing(client: TestClient) -> None:
    link = client.post("/tts", json={"text": "hello"}).json()["audio_url"]
    other = client.post("/tts", json={"text": "other"}).json()["audio_url"]
    path, _, query = link.partition("?")
    del client.headers["Authorization"]
    for changed in (
        path,
        f"{other.partition('?')[0]}?{query}",
        f"{link[:-4]}0000",
        link.replace("expires=", "expires=9"),
        f"{path}?expires=9999999999&signature=",
        f"{path}?expires=x&signature=%ff",
        path.replace("/audio", "") + f"?{query}",
    ):
        reply = client.get(changed)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key"), changed


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"text": "  "}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": None}, "text"),
        ({"emotion": "hangry"}, "emotion"),
        ({"speed": 5}, "speed"),
        ({"voice": "nobody"}, "voice"),
        ({"txet": "x"}, "txet"),
    ],
)
def test_the_one_call_interface_names_its_own_fields_in_errors(
    client: TestClient, fields: dict[str, Any], param: str
) -> None:
    reply = client.post("/tts", json={"text": "hello", **fields})
    assert reply.status_code in (400, 413)
    assert reply.json()["error"]["param"] == param
