"""POST /v1/audio/speech while it is spoken: a real server, and an engine that says when it goes on."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any, TypeAlias

import openai
import pytest
from api_calls import ended_job, events
from live_server import Listen, Live

from tingshuo.audio import FORMATS, Limits, read_audio
from tingshuo.settings import Settings
from tingshuo.testing import ToneRecognizer

SPEECH = "/v1/audio/speech"
Paced: TypeAlias = Callable[..., Any]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_first_bytes_arrive_before_the_synthesis_ends(listen: Listen, paced: Paced, name: str) -> None:
    engine = paced()
    body = {"input": "hello", "response_format": name, "stream_format": "audio"}
    with listen(engine, ToneRecognizer()).client() as client:
        engine.let_on(3)
        with client.stream("POST", SPEECH, json=body) as reply:
            assert (reply.status_code, reply.headers["content-type"]) == (200, FORMATS[name])
            assert "content-length" not in reply.headers
            parts = reply.iter_raw()
            content = next(parts)
            assert content
            assert not engine.left.is_set()
            engine.let_on(5)
            content += b"".join(parts)
    if name != "pcm":
        (_, audio), *_ = read_audio(io.BytesIO(content), Limits.of(Settings()))
        assert audio.duration == pytest.approx(4, abs=0.15)
    else:
        assert len(content) == 4 * 24_000 * 2


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        ({}, False),
        ({"response_format": "pcm"}, False),
        ({"response_format": "wav"}, True),
        ({"response_format": "flac"}, True),
        ({"response_format": "wav", "stream": True}, False),
        ({"response_format": "wav", "stream_format": "audio"}, False),
        ({"response_format": "mp3", "stream": False}, True),
        ({"response_format": "pcm", "stream": False, "stream_format": "audio"}, True),
    ],
)
def test_formats_that_tell_their_length_in_front_are_sent_whole_unless_asked_otherwise(
    live: Live, fields: dict[str, Any], whole: bool
) -> None:
    with live.client() as client:
        reply = client.post(SPEECH, json={"input": "hello", **fields})
        assert reply.status_code == 200
        assert ("content-length" in reply.headers) is whole
        assert reply.headers["x-request-id"]
        assert ended_job(client, reply.headers["x-tingshuo-job"])["status"] == "succeeded"


def test_the_official_client_reads_pcm_as_it_comes_like_pipecat(listen: Listen, paced: Paced) -> None:
    """The request of pipecat's OpenAITTSService: with_streaming_response, pcm, chunks of half a second."""
    engine = paced()
    live = listen(engine, ToneRecognizer())
    engine.let_on(3)
    with (
        openai.OpenAI(base_url=f"{live.url}/v1", api_key=live.token("speak"), max_retries=0) as sdk,
        sdk.audio.speech.with_streaming_response.create(
            input="hello", model="gpt-4o-mini-tts", voice="alloy", response_format="pcm", instructions="Speak slowly."
        ) as reply,
    ):
        assert reply.status_code == 200
        chunks = reply.iter_bytes(12_000)
        assert len(next(chunks)) == 12_000
        assert not engine.left.is_set()
        engine.let_on(5)
        assert sum(map(len, chunks)) == 4 * 24_000 * 2 - 12_000


def test_events_bring_the_audio_as_it_comes_like_livekit(listen: Listen, paced: Paced) -> None:
    """LiveKit asks for sse with every model but tts-1, and reads the reply by its type."""
    engine = paced()
    body = {
        "input": "hello",
        "model": "gpt-4o-mini-tts",
        "voice": "ash",
        "response_format": "mp3",
        "speed": 1.0,
        "stream_format": "sse",
    }
    with listen(engine, ToneRecognizer()).client() as client:
        assert client.get("/").status_code == 200  # its way to warm the connection up
        engine.let_on(3)
        with client.stream("POST", SPEECH, json=body) as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            stream = events(reply)
            first = next(stream)
            assert not engine.left.is_set()
            engine.let_on(5)
            *deltas, done = [first, *stream]
        assert {event["type"] for event in deltas} == {"speech.audio.delta"}
        audio = b"".join(base64.b64decode(event["audio"]) for event in deltas)
        (_, heard), *_ = read_audio(io.BytesIO(audio), Limits.of(Settings()))
        assert heard.duration == pytest.approx(4, abs=0.15)
        assert done["type"] == "speech.audio.done"
        assert done["usage"] == {"input_tokens": 5, "output_tokens": 0, "total_tokens": 5}
        assert done["tingshuo"] == {"job": reply.headers["x-tingshuo-job"], "characters": 5, "duration": 4.0}
        assert ended_job(client, done["tingshuo"]["job"])["status"] == "succeeded"


def test_the_history_has_what_was_streamed(listen: Listen, paced: Paced) -> None:
    engine = paced(pieces=4)
    engine.let_on(4)
    with listen(engine, ToneRecognizer(), keep_audio="output").client() as client:
        reply = client.post(SPEECH, json={"input": "你好吗", "response_format": "wav", "stream": True})
        job = ended_job(client, reply.headers["x-tingshuo-job"])
        assert (job["status"], job["characters"], job["audio_seconds"]) == ("succeeded", 3, 2.0)
        assert job["result"] == {"duration": 2.0, "sample_rate": 16_000}
        assert (job["input_text"], job["parameters"]["response_format"]) == ("你好吗", "wav")
        kept = client.get(f"/v1/jobs/{job['id']}/audio").content
    # The beginning that was sent could not tell the length; the file that is kept does.
    assert reply.content[4:8] == reply.content[40:44] == b"\xff\xff\xff\xff"
    assert (int.from_bytes(kept[4:8], "little"), int.from_bytes(kept[40:44], "little")) == (64_036, 64_000)
    assert kept[44:] == reply.content[44:]


def test_refusals_are_the_same_with_and_without_a_stream(live: Live) -> None:
    with live.client() as client:
        for fields in ({"stream": True}, {"stream": False}, {"stream_format": "sse"}):
            for wrong, param in (
                ({"voice": "nobody"}, "voice"),
                ({"input": " "}, "input"),
                ({"response_format": "ogg"}, "response_format"),
            ):
                reply = client.post(SPEECH, json={"input": "hello", **fields, **wrong})
                assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
        reply = client.post(SPEECH, json={"input": "hello", "stream": False, "stream_format": "sse"})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "stream")
