"""POST /v1/audio/transcriptions: audio in, transcript out, in OpenAI's five formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from api_calls import refusal, send
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


# ---- the five formats


def test_json_is_the_default_and_has_text_usage_and_ours(parrot: TestClient, speech: bytes) -> None:
    reply = send(parrot, speech, model="whisper-1")
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
    document = send(parrot, speech, response_format="verbose_json").json()
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
    fields: dict[str, Any] = {"response_format": "verbose_json", name: ["word", "segment"]}
    document = send(parrot, speech, **fields).json()
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
    reply = send(parrot, speech, response_format=name)
    assert reply.headers["content-type"] == media_type
    assert reply.text.startswith(begins)
    assert reply.headers["x-tingshuo-job"].startswith("job_")


def test_subtitles_without_measured_times_are_refused(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(Parrot(timing=None), ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    assert refusal(send(client, speech, response_format="srt")) == (400, "response_format", "invalid_request")


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
    assert send(parrot, speech, response_format="text", **fields).text == f"{text}\n"
    assert send(parrot, speech, **fields).json()["text"] == text
    verbose = send(parrot, speech, response_format="verbose_json", **fields).json()
    assert verbose["text"] == text
    assert verbose["segments"][0]["text"] == "谁啊"
    assert verbose["segments"][0]["tingshuo"].get("raw") == ("<|zh|>谁啊" if "raw" in fields else None)


# ---- what the recogniser is told


def test_the_fields_reach_the_recogniser(serve: Serve, key: Key, speech: bytes) -> None:
    parrot = Parrot()
    client = serve(parrot, ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    fields: dict[str, Any] = {
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
    assert send(client, speech, **fields).status_code == 200
    assert parrot.options == [
        TranscribeOptions(
            languages=("zh", "en"),
            itn=False,
            words=True,
            merge_vad=False,
            merge_length_s=20.0,
            force_emotion=True,
            hotwords=("names: Tingshuo",),
        )
    ]


@pytest.mark.parametrize(("sent", "told"), [("zh-CN", "zh"), ("EN_us", "en"), ("auto", "auto"), (" zh ", "zh")])
def test_a_locale_is_taken_for_its_language(serve: Serve, key: Key, speech: bytes, sent: str, told: str) -> None:
    parrot = Parrot()
    client = serve(parrot, ToneSynthesizer())
    client.headers.update(key(client, "transcribe"))
    assert send(client, speech, language=sent).status_code == 200
    assert parrot.options[0].language == told


def _call(words: tuple[str, str], wav: Wav) -> bytes:
    sides = [ToneSynthesizer().synthesize(Utterance(text, "high", Emotion.SAD)).samples for text in words]
    length = max(map(len, sides))
    return wav([np.pad(side, (0, length - len(side))) for side in sides])


def test_stereo_channels_are_recognised_apart(client: TestClient, wav: Wav) -> None:
    call = _call(("hello", "good morning"), wav)
    segments = send(client, call, channel="split").json()["tingshuo"]["segments"]
    assert {segment["channel"]: segment["text"] for segment in segments} == {"left": "hello", "right": "good morning"}
    assert send(client, call, channel="left").json()["text"] == "hello"
    assert send(client, call, channel="right").json()["text"] == "good morning"
    assert client.get("/v1/jobs").json()["data"][0]["parameters"]["channel"] == "right"


def test_the_job_tells_what_was_heard(client: TestClient, speech: bytes) -> None:
    reply = send(client, speech, name="my call.wav")
    job = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()
    assert (job["kind"], job["status"], job["engine"]) == ("transcription", "succeeded", "ears")
    assert (job["input_name"], job["audio_seconds"]) == ("my call.wav", pytest.approx(2.53))
    assert job["result"]["segments"][0]["emotion"]["label"] == "happy"
    assert job["audio_size"] is None


def test_uploads_are_kept_where_the_settings_say_all(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(keep_audio="all")
    client.headers.update(key(client, "admin"))
    reply = send(client, speech, name="call.WAV")
    kept = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}/audio")
    assert (kept.content, kept.headers["content-type"]) == (speech, "audio/wav")
    odd = send(client, speech, name="call.html")
    kept = client.get(f"/v1/jobs/{odd.headers['x-tingshuo-job']}/audio")
    assert kept.headers["content-type"] == "application/octet-stream"
    assert kept.headers["content-disposition"].startswith("attachment")
