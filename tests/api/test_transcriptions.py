"""POST /v1/audio/transcriptions: audio in, transcript out, in OpenAI's five formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient

from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import (
    Audio,
    AudioEvent,
    Emotion,
    EventLabel,
    Segment,
    TranscribeOptions,
    Transcript,
    Utterance,
    Word,
)

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Wav: TypeAlias = Callable[..., bytes]

ROUTE = "/v1/audio/transcriptions"


class Parrot(ToneRecognizer):
    """Hears the same two segments in everything, and remembers how it was asked."""

    def __init__(self, timing: Any = "vad") -> None:
        self.timing = timing
        self.options: list[TranscribeOptions] = []

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.options.append(options)
        scores = {"angry": 0.7, "unknown": 0.3}
        laughter = AudioEvent(EventLabel.LAUGHTER, 0.9)
        words = (Word("谁", 0.1, 0.2, 0.5), Word("啊", 0.2, 0.4))
        segments = (
            Segment(0.1, 0.4, "谁啊", "zh", Emotion.ANGRY, scores, (laughter,), words, self.timing, "<|zh|>谁啊"),
            Segment(0.6, 0.9, "me", "en", None, {"unknown": 1.0}, timing=self.timing, raw="<|en|>me"),
        )
        return Transcript("谁啊 me", "zh", audio.duration, segments)


@pytest.fixture
def parrot(serve: Serve, key: Key) -> TestClient:
    """The API with a recogniser that hears words, events and two languages."""
    client = serve(Parrot(), ToneSynthesizer())
    client.headers.update(key(client, "admin"))
    return client


def _send(client: TestClient, content: bytes, name: str = "call.wav", **fields: Any) -> httpx2.Response:
    return client.post(ROUTE, files={"file": (name, content)}, data=fields)


def _error(reply: httpx2.Response) -> tuple[int, Any, Any]:
    error = reply.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    return reply.status_code, error["param"], error["code"]


# ---- the five formats


def test_json_is_the_default_and_has_text_usage_and_ours(parrot: TestClient, speech: bytes) -> None:
    reply = _send(parrot, speech, model="whisper-1")
    assert reply.headers["content-type"] == "application/json"
    document = reply.json()
    assert sorted(document) == ["text", "tingshuo", "usage"]
    assert document["text"] == "谁啊 me"
    assert document["usage"] == {"type": "duration", "seconds": 2.53}
    ours = document["tingshuo"]
    assert ours["job"] == reply.headers["x-tingshuo-job"]
    assert (ours["engine"], ours["language"], ours["duration"]) == ("ears", "zh", 2.53)
    assert ours["emotions"] == {"angry": 0.3, "unknown": 0.3}
    assert ours["events"] == {"laughter": 1}
    assert [segment["emotion"]["label"] for segment in ours["segments"]] == ["angry", "unknown"]


def test_verbose_json_has_every_field_that_clients_demand(parrot: TestClient, speech: bytes) -> None:
    document = _send(parrot, speech, response_format="verbose_json").json()
    assert (document["task"], document["language"], document["duration"]) == ("transcribe", "chinese", 2.53)
    assert "words" not in document
    first = document["segments"][0]
    assert {name: first[name] for name in ("id", "seek", "start", "end", "text", "tokens")} == {
        "id": 0,
        "seek": 10,
        "start": 0.1,
        "end": 0.4,
        "text": "谁啊",
        "tokens": [],
    }
    assert (first["temperature"], first["avg_logprob"], first["no_speech_prob"]) == (0, 0, 0)
    assert 0 < first["compression_ratio"] < 2
    assert first["tingshuo"] == {
        "language": "zh",
        "emotion": {"label": "angry", "score": 0.7, "scores": {"angry": 0.7, "unknown": 0.3}},
        "events": [{"label": "laughter", "start": None, "end": None, "score": 0.9}],
        "timing": "vad",
    }


@pytest.mark.parametrize("name", ["timestamp_granularities[]", "timestamp_granularities"])
def test_words_stand_at_the_top_level_when_asked_for(parrot: TestClient, speech: bytes, name: str) -> None:
    fields = {"response_format": "verbose_json", name: ["word", "segment"]}
    document = _send(parrot, speech, **fields).json()
    assert [word["word"] for word in document["words"]] == ["谁", "啊"]
    assert document["words"][0] == {"word": "谁", "start": 0.1, "end": 0.2, "score": 0.5}
    assert "words" not in document["segments"][0]


@pytest.mark.parametrize(
    ("name", "media_type", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "谁啊 me\n"),
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,100 --> 00:00:00,400\n谁啊\n"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n"),
    ],
)
def test_text_and_subtitles_come_bare(
    parrot: TestClient, speech: bytes, name: str, media_type: str, begins: str
) -> None:
    reply = _send(parrot, speech, response_format=name)
    assert reply.headers["content-type"] == media_type
    assert reply.text.startswith(begins)
    assert reply.headers["x-tingshuo-job"].startswith("job_")


def test_subtitles_without_measured_times_are_refused(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(Parrot(timing=None), ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    assert _error(_send(client, speech, response_format="srt")) == (400, "response_format", "invalid_request")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"rich": "zh"}, "[中文] [愤怒] 谁啊 (笑声)\n[英文] me"),
        ({"rich": "en"}, "[Chinese] [angry] 谁啊 (laughter)\n[English] me"),
        ({"emoji": "true"}, "😀谁啊😡\nme"),
        ({"raw": "true"}, "<|zh|>谁啊\n<|en|>me"),
    ],
)
def test_text_can_show_emotions_and_events(
    parrot: TestClient, speech: bytes, fields: dict[str, str], text: str
) -> None:
    assert _send(parrot, speech, response_format="text", **fields).text == f"{text}\n"
    assert _send(parrot, speech, **fields).json()["text"] == text
    verbose = _send(parrot, speech, response_format="verbose_json", **fields).json()
    assert verbose["text"] == text
    assert verbose["segments"][0]["text"] == "谁啊"
    assert verbose["segments"][0]["tingshuo"].get("raw") == ("<|zh|>谁啊" if "raw" in fields else None)


# ---- what the recogniser is told


def test_the_fields_reach_the_recogniser(serve: Serve, key: Key, speech: bytes) -> None:
    parrot = Parrot()
    client = serve(parrot, ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    fields = {
        "model": "ears",
        "language": "",
        "languages[]": ["zh", "en"],
        "itn": "false",
        "merge_vad": "0",
        "merge_length_s": "20",
        "force_emotion": "yes",
        "timestamp_granularities[]": "word",
        "prompt": "names: Tingshuo",
        "temperature": "0.2",
        "stream": "false",
        "chunking_strategy": "auto",
    }
    assert _send(client, speech, **fields).status_code == 200
    assert parrot.options == [
        TranscribeOptions(
            languages=("zh", "en"), itn=False, words=True, merge_vad=False, merge_length_s=20.0, force_emotion=True
        )
    ]


@pytest.mark.parametrize(("sent", "told"), [("zh-CN", "zh"), ("EN_us", "en"), ("auto", "auto"), (" zh ", "zh")])
def test_a_locale_is_taken_for_its_language(
    serve: Serve, key: Key, speech: bytes, sent: str, told: str
) -> None:
    parrot = Parrot()
    client = serve(parrot, ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    assert _send(client, speech, language=sent).status_code == 200
    assert parrot.options[0].language == told


def _call(words: tuple[str, str], wav: Wav) -> bytes:
    sides = [ToneSynthesizer().synthesize(Utterance(text, "high", Emotion.SAD)).samples for text in words]
    length = max(map(len, sides))
    return wav([np.pad(side, (0, length - len(side))) for side in sides])


def test_stereo_channels_are_recognised_apart(client: TestClient, wav: Wav) -> None:
    call = _call(("hello", "good morning"), wav)
    segments = _send(client, call, channel="split").json()["tingshuo"]["segments"]
    assert {segment["channel"]: segment["text"] for segment in segments} == {"left": "hello", "right": "good morning"}
    assert _send(client, call, channel="left").json()["text"] == "hello"
    assert _send(client, call, channel="right").json()["text"] == "good morning"
    assert client.get("/v1/jobs").json()["data"][0]["parameters"]["channel"] == "right"


def test_the_job_tells_what_was_heard(client: TestClient, speech: bytes) -> None:
    reply = _send(client, speech, name="my call.wav")
    job = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()
    assert (job["kind"], job["status"], job["engine"]) == ("transcription", "succeeded", "ears")
    assert (job["input_name"], job["audio_seconds"]) == ("my call.wav", pytest.approx(2.53))
    assert job["result"]["segments"][0]["emotion"]["label"] == "happy"
    assert job["audio_size"] is None


def test_uploads_are_kept_where_the_settings_say_all(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(keep_audio="all")
    client.headers.update(key(client, "admin"))
    reply = _send(client, speech, name="call.WAV")
    kept = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}/audio")
    assert (kept.content, kept.headers["content-type"]) == (speech, "audio/wav")
    odd = _send(client, speech, name="call.html")
    kept = client.get(f"/v1/jobs/{odd.headers['x-tingshuo-job']}/audio")
    assert kept.headers["content-type"] == "application/octet-stream"
    assert kept.headers["content-disposition"].startswith("attachment")


# ---- what is refused


@pytest.mark.parametrize(
    ("fields", "param", "status"),
    [
        ({"response_format": "xml"}, "response_format", 400),
        ({"response_format": "diarized_json"}, "response_format", 400),
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
        ({"stream": "true"}, "stream", 400),
        ({"chunking_strategy": "{}"}, "chunking_strategy", 400),
        ({"include[]": "logprobs"}, "include", 400),
        ({"lnaguage": "zh"}, "lnaguage", 400),
        ({"language": ["zh", "en"]}, "language", 400),
        ({"model": "tones"}, "model", 404),
        ({"model": "whisper-9"}, "model", 404),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_at_fault(
    client: TestClient, speech: bytes, fields: dict[str, Any], param: str, status: int
) -> None:
    got, at_fault, _ = _error(_send(client, speech, **fields))
    assert (got, at_fault) == (status, param)
    assert client.get("/v1/jobs").json()["data"] == []


def test_translations_are_told_to_be_unsupported(client: TestClient, speech: bytes) -> None:
    reply = client.post("/v1/audio/translations", files={"file": ("a.wav", speech)}, data={"model": "whisper-1"})
    assert _error(reply) == (400, None, "invalid_request")
    assert "not supported" in reply.json()["error"]["message"]


def test_the_file_has_to_be_a_file(client: TestClient, speech: bytes) -> None:
    assert _error(client.post(ROUTE, data={"file": "a.wav"}, files={"x": b""}))[:2] == (400, "file")
    assert _error(client.post(ROUTE, files={"audio": ("a.wav", speech)}))[:2] == (400, "file")
    assert _error(client.post(ROUTE, files=[("file", b"a"), ("file", b"b")]))[0] == 400
    assert _error(client.post(ROUTE, json={"file": "a.wav"}))[0] == 400
    assert _error(client.post(ROUTE))[0] == 400


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
    assert _error(client.post(ROUTE, content=body, headers={"Content-Type": content_type}))[0] == 400


# Starlette leaves the temporary file of such a form to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_form_that_breaks_off_is_refused(client: TestClient) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
    reply = client.post(ROUTE, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert _error(reply) == (400, "file", "invalid_request")


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
    assert _error(_send(client, content)) == (400, "file", "invalid_audio")


def test_one_sample_is_too_little_and_the_message_says_what_is_enough(client: TestClient, wav: Wav) -> None:
    reply = _send(client, wav([[0.5]]))
    assert _error(reply) == (400, "file", "invalid_audio")
    assert "at least" in reply.json()["error"]["message"]


def test_silence_is_transcribed_to_nothing(client: TestClient, wav: Wav) -> None:
    silence = wav([[0.0] * 16_000])
    assert _send(client, silence).json()["text"] == ""
    assert _send(client, silence, response_format="text").text == "\n"
    verbose = _send(client, silence, response_format="verbose_json").json()
    assert (verbose["segments"], verbose["language"]) == ([], "")
    assert _send(client, silence, response_format="vtt").text.startswith("WEBVTT")


def test_more_seconds_than_the_limit_are_refused(serve: Serve, key: Key, wav: Wav) -> None:
    client = serve(max_audio_seconds=0.5)
    client.headers.update(key(client, "transcribe"))
    assert _error(_send(client, wav([[0.0] * 16_000]))) == (413, "file", "limit_exceeded")


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
    assert _error(client.post(ROUTE, content=content, headers=headers))[::2] == (413, "limit_exceeded")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\r\nSet-Cookie: x=1.wav", 'a"; filename="b.wav', "名字.wav", "x" * 2000, "\0.wav"]
)
def test_a_file_may_be_called_anything(client: TestClient, speech: bytes, name: str) -> None:
    reply = _send(client, speech, name=name)
    assert reply.status_code == 200, reply.text
    assert "set-cookie" not in reply.headers
    kept = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()["input_name"]
    assert len(kept) <= 255
    assert not set(kept) & set("/\\\r\n\0")
