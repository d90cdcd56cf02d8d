"""Speech that is not heard to its end: clients that go away or do not read, engines that fail, time that is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import pytest
from api_calls import ended_job, events
from live_server import PATIENCE, Listen

from tingshuo.testing import ToneRecognizer

SPEECH = "/v1/audio/speech"
Paced: TypeAlias = Callable[..., Any]


def test_a_client_that_goes_away_stops_the_synthesis(listen: Listen, paced: Paced) -> None:
    engine = paced(pieces=1_000)
    with listen(engine, ToneRecognizer(), keep_audio="output").client() as client:
        engine.let_on(3)
        with client.stream("POST", SPEECH, json={"input": "hello", "response_format": "pcm"}) as reply:
            assert next(reply.iter_raw())
        job = ended_job(client, reply.headers["x-tingshuo-job"])
        engine.let_on(1)  # it stops at the next piece, wherever it is
        assert engine.left.wait(PATIENCE)
        assert job["status"] in ("failed", "cancelled")
        assert (job["error_code"], job["audio_size"]) == ("request_cancelled", None)
        engine.pieces = 1
        engine.let_on(1)
        assert client.post(SPEECH, json={"input": "next"}).status_code == 200  # the engine is free again


def test_a_client_that_goes_away_before_the_first_audio_stops_it_too(listen: Listen, paced: Paced) -> None:
    engine = paced(pieces=1_000)
    with listen(engine, ToneRecognizer()).client() as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.post(SPEECH, json={"input": "hello"}, timeout=1)
        assert engine.entered.is_set()
        assert ended_job(client)["error_code"] == "request_cancelled"
        engine.let_on(1)
        assert engine.left.wait(PATIENCE)


def test_a_client_that_does_not_read_holds_no_engine(listen: Listen, paced: Paced) -> None:
    engine = paced(pieces=100)
    with listen(engine, ToneRecognizer()).client() as client:
        engine.let_on(100)
        with client.stream("POST", SPEECH, json={"input": "hello", "response_format": "pcm"}) as reply:
            assert engine.left.wait(PATIENCE)  # 5 MB that nobody has read yet
            assert ended_job(client, reply.headers["x-tingshuo-job"])["status"] == "succeeded"
            assert len(reply.read()) == 50 * 24_000 * 2


def test_a_failure_before_the_first_audio_is_an_error_like_any_other(listen: Listen, paced: Paced) -> None:
    for fields in ({}, {"stream_format": "sse"}, {"response_format": "wav", "stream": True}):
        engine = paced(fails_at=0)
        engine.let_on(1)
        with listen(engine, ToneRecognizer()).client() as client:
            reply = client.post(SPEECH, json={"input": "hello", **fields})
            assert (reply.status_code, reply.json()["error"]["code"]) == (500, "engine_failed")
            assert ended_job(client)["error_code"] == "engine_failed"


def test_a_failure_in_the_middle_breaks_the_reply_off(listen: Listen, paced: Paced) -> None:
    engine = paced(fails_at=3)
    engine.let_on(4)
    with listen(engine, ToneRecognizer()).client() as client:
        with client.stream("POST", SPEECH, json={"input": "hello", "response_format": "pcm"}) as reply:
            assert reply.status_code == 200
            with pytest.raises(httpx2.RemoteProtocolError):
                reply.read()
        assert ended_job(client)["error_code"] == "engine_failed"


def test_a_failure_in_the_middle_is_the_last_event(listen: Listen, paced: Paced) -> None:
    engine = paced(fails_at=3)
    engine.let_on(4)
    with listen(engine, ToneRecognizer()).client() as client:
        with client.stream("POST", SPEECH, json={"input": "hello", "stream_format": "sse"}) as reply:
            *deltas, last = events(reply)
        assert {event["type"] for event in deltas} == {"speech.audio.delta"}
        assert (last["type"], last["error"]["code"]) == ("error", "engine_failed")
        assert sorted(last["error"]) == ["code", "message", "param", "type"]
        assert ended_job(client)["error_code"] == "engine_failed"


def test_what_takes_too_long_is_ended(listen: Listen, paced: Paced) -> None:
    engine = paced(pieces=1_000)
    with listen(engine, ToneRecognizer(), request_timeout_s=1.0).client() as client:
        reply = client.post(SPEECH, json={"input": "hello"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (504, "deadline_exceeded")
        engine.let_on(1)
        assert engine.left.wait(PATIENCE)
        engine.let_on(3)
        with client.stream("POST", SPEECH, json={"input": "hello", "stream_format": "sse"}) as reply:
            *_, last = events(reply)
        assert (last["type"], last["error"]["code"]) == ("error", "deadline_exceeded")
        engine.let_on(1)
        assert engine.left.wait(PATIENCE)
