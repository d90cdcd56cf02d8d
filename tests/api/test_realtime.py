"""WS /v1/realtime over the tone engines: events, turns, limits, and what a hostile client can do."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tingshuo import auth
from tingshuo.audio import resample
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, Emotion, Samples, TranscribeOptions, Transcript, Utterance

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Socket: TypeAlias = WebSocketTestSession

PATH = "/v1/realtime?intent=transcription"
EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def spoken(text: str = "今天真高兴", rate: int = 24_000, emotion: Emotion = Emotion.HAPPY) -> Samples:
    """The text in tones with 0.8 s of silence on both sides."""
    return resample(ToneSynthesizer().synthesize(Utterance(text, "high", emotion)), rate).samples


def pcm(samples: Samples) -> str:
    return base64.b64encode((samples * 32767).astype("<i2").tobytes()).decode()


@contextmanager
def session(client: TestClient, header: dict[str, str], **more: Any) -> Iterator[Socket]:
    """A session of which the first event is read."""
    with client.websocket_connect(PATH, headers=header, **more) as socket:
        assert socket.receive_json()["type"].endswith("session.created")
        yield socket


def say(socket: Socket, samples: Samples, rate: int = 24_000) -> None:
    """Send sound as clients do, a tenth of a second at a time."""
    for start in range(0, len(samples), rate // 10):
        socket.send_json({"type": "input_audio_buffer.append", "audio": pcm(samples[start : start + rate // 10])})


def until(socket: Socket, kind: str) -> list[dict[str, Any]]:
    """The events up to the first of that kind, every one in a shape that OpenAI's package knows."""
    found: list[dict[str, Any]] = []
    while not found or not found[-1]["type"].endswith(kind):
        found.append(socket.receive_json())
        EVENT.validate_python(found[-1])
    return found


def configure(socket: Socket, **inputs: Any) -> dict[str, Any]:
    socket.send_json({"type": "session.update", "session": {"type": "transcription", "audio": {"input": inputs}}})
    told: dict[str, Any] = socket.receive_json()
    return told


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()


# ---- turns


def test_a_spoken_turn_is_found_and_told_with_emotion(client: TestClient, key: Key) -> None:
    with session(client, key(client, "transcribe", "jobs")) as socket:
        say(socket, spoken())
        found = until(socket, "transcription.completed")
    kinds = [event["type"].rpartition(".")[2] for event in found if not event["type"].endswith("delta")]
    assert kinds == ["speech_started", "speech_stopped", "committed", "completed"]
    started, stopped, committed = (event for event in found if event["type"].startswith("input_audio_buffer"))
    assert 300 <= started["audio_start_ms"] <= 900 < stopped["audio_end_ms"]
    assert committed["previous_item_id"] is None
    last = found[-1]
    assert {event["item_id"] for event in found} == {last["item_id"]}
    assert (last["transcript"], last["content_index"], last["usage"]["type"]) == ("今天真高兴", 0, "duration")
    assert last["tingshuo"]["emotion"]["label"] == "happy"
    assert last["tingshuo"]["segments"][0]["text"] == "今天真高兴"
    assert last["languages"] == [{"code": "zh"}]


def test_every_turn_is_a_job_of_the_caller(client: TestClient, key: Key) -> None:
    header = key(client, "transcribe", "jobs")
    with session(client, header) as socket:
        say(socket, spoken())
        first = until(socket, "completed")[-1]
        say(socket, spoken("再见", emotion=Emotion.SAD))
        second = until(socket, "completed")
    assert [event["previous_item_id"] for event in second if "previous_item_id" in event] == [first["item_id"]]
    jobs = client.get("/v1/jobs", headers=header).json()["data"]
    assert [job["id"] for job in jobs] == [second[-1]["tingshuo"]["job"], first["tingshuo"]["job"]]
    assert {(job["kind"], job["status"]) for job in jobs} == {("transcription", "succeeded")}


class Growing(ToneRecognizer):
    """Hears a longer text the longer the sound is, as recognisers of partial speech do."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        return Transcript("一二三四五六七八九十"[: int(audio.duration * 4)], "zh", audio.duration)


def test_text_grows_while_somebody_speaks_and_what_was_sent_stays(serve: Serve, key: Key) -> None:
    client = serve(Growing())
    with session(client, key(client, "admin")) as socket:
        tone = np.sin(np.arange(2_400, dtype=np.float32) / 10) * np.float32(0.3)
        for _ in range(20):  # as a microphone gives it
            say(socket, tone)
            time.sleep(0.1)
        say(socket, np.zeros(24_000, np.float32))
        found = until(socket, "completed")
    deltas = [event for event in found if event["type"].endswith("delta")]
    assert len(deltas) >= 3
    assert "".join(event["delta"] for event in deltas) == found[-1]["transcript"]
    texts = [event["tingshuo"]["text"] for event in deltas]
    assert texts == sorted(texts, key=len)


def test_without_turn_detection_the_client_commits(client: TestClient, key: Key) -> None:
    with session(client, key(client, "admin")) as socket:
        assert configure(socket, turn_detection=None)["session"]["audio"]["input"]["turn_detection"] is None
        say(socket, spoken())
        socket.send_json({"type": "input_audio_buffer.commit"})
        found = until(socket, "completed")
        assert [event["type"].rpartition(".")[2] for event in found if "delta" not in event["type"]] == [
            "committed",
            "completed",
        ]
        assert found[-1]["transcript"] == "今天真高兴"
        socket.send_json({"type": "input_audio_buffer.commit", "event_id": "mine"})
        [wrong] = until(socket, "error")
        assert (wrong["error"]["code"], wrong["error"]["event_id"]) == ("input_audio_buffer_commit_empty", "mine")


def test_what_was_cleared_is_not_heard(client: TestClient, key: Key) -> None:
    with session(client, key(client, "admin")) as socket:
        configure(socket, turn_detection=None)
        say(socket, spoken("weg"))
        socket.send_json({"type": "input_audio_buffer.clear"})
        assert until(socket, "cleared")[-1]["type"] == "input_audio_buffer.cleared"
        say(socket, spoken("da"))
        socket.send_json({"type": "input_audio_buffer.commit"})
        assert until(socket, "completed")[-1]["transcript"] == "da"


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_other_sample_rates_are_taken(client: TestClient, key: Key, rate: int) -> None:
    with session(client, key(client, "admin")) as socket:
        told = configure(socket, format={"type": "audio/pcm", "rate": rate})
        assert told["session"]["audio"]["input"]["format"]["rate"] == rate
        say(socket, spoken(rate=rate), rate)
        assert until(socket, "completed")[-1]["transcript"] == "今天真高兴"


def test_hotwords_and_language_are_set_for_the_session(client: TestClient, key: Key) -> None:
    with session(client, key(client, "admin")) as socket:
        given = {"model": "gpt-4o-transcribe", "language": "zh-CN", "prompt": "张薇", "keywords": ["李娜"]}
        told = configure(socket, transcription=given)["session"]["audio"]["input"]["transcription"]
        assert (told["language"], told["prompt"], told["keywords"]) == ("zh", "张薇", ["李娜"])
        say(socket, spoken("请找章威"))
        last = until(socket, "completed")[-1]
    assert (last["transcript"], last["tingshuo"]["hotwords"]) == ("请找张薇", [{"heard": "章威", "hotword": "张薇"}])


def test_the_older_shape_is_understood_and_answered(client: TestClient, key: Key) -> None:
    header = key(client, "admin") | {"OpenAI-Beta": "realtime=v1"}
    with session(client, header) as socket:
        update = {
            "input_audio_format": "g711_ulaw",
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 350},
        }
        socket.send_json({"type": "transcription_session.update", "session": update})
        told = socket.receive_json()
    assert told["type"] == "transcription_session.updated"
    assert told["session"]["input_audio_format"] == "g711_ulaw"
    assert told["session"]["turn_detection"]["silence_duration_ms"] == 350


# ---- who may connect


def denied(client: TestClient, path: str = PATH, **more: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(WebSocketDenialResponse) as refusal, client.websocket_connect(path, **more):
        pass
    return refusal.value.status_code, refusal.value.json()["error"]


def test_nobody_connects_without_a_good_key(client: TestClient, key: Key) -> None:
    status, error = denied(client)
    assert (status, error["code"]) == (401, "invalid_api_key")
    assert denied(client, headers={"Authorization": "Bearer ts-wrong"})[0] == 401
    assert denied(client, subprotocols=["realtime", "openai-insecure-api-key.ts-wrong"])[0] == 401
    assert denied(client, headers=key(client, "speak"))[0] == 403


def test_a_browser_sends_its_key_as_a_subprotocol(client: TestClient, key: Key) -> None:
    token = key(client, "transcribe")["Authorization"].removeprefix("Bearer ")
    offered = ["realtime", f"openai-insecure-api-key.{token}"]
    with client.websocket_connect(PATH, subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "realtime"


def test_other_intents_and_models_are_refused(client: TestClient, key: Key) -> None:
    header = key(client, "admin")
    assert denied(client, "/v1/realtime", headers=header)[1]["param"] == "intent"
    assert denied(client, f"{PATH}&model=ghost", headers=header)[1]["code"] == "model_not_found"
    with session(client, header):
        pass
    with client.websocket_connect(f"{PATH}&model=gpt-4o-transcribe", headers=header) as socket:
        assert socket.receive_json()["session"]["audio"]["input"]["transcription"]["model"] == "gpt-4o-transcribe"


def test_addresses_off_the_allow_list_are_turned_away(serve: Serve, key: Key) -> None:
    client = serve(allowed_ips="10.0.0.0/8")
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect(PATH, headers=key(client, "admin")):
        pass
    assert closed.value.code == 1008


def test_there_are_only_so_many_sessions_at_once(serve: Serve, key: Key) -> None:
    client = serve(realtime_sessions=1)
    header = key(client, "admin")
    with session(client, header):
        status, error = denied(client, headers=header)
        assert (status, error["code"]) == (503, "engine_busy")
    with session(client, header):
        pass


def test_a_key_that_is_revoked_ends_the_session(client: TestClient, key: Key) -> None:
    header = key(client, "transcribe")
    with session(client, header) as socket:
        settings: Settings = client.app.state.services.settings  # type: ignore[attr-defined]
        auth.revoke_key(settings, auth.list_keys(settings)[-1].id)
        say(socket, spoken())
        assert until(socket, "error")[-1]["error"]["code"] == "invalid_api_key"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1008


def test_a_session_lasts_only_so_long(serve: Serve, key: Key) -> None:
    client = serve(realtime_session_seconds=0.3)
    with session(client, key(client, "admin")) as socket:
        assert until(socket, "error")[-1]["error"]["code"] == "session_expired"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1000


# ---- hostile clients


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ("{", None),
        ("[]", None),
        ("[" * 100_000, None),
        ('"x"', None),
        ("{}", "type"),
        ('{"type": {"a": 1}}', "type"),
        ('{"type": "response.create"}', "type"),
        ('{"type": "input_audio_buffer.append"}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": 5}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "@@@@"}', "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "audio"),
        ('{"type": "session.update"}', "session"),
        ('{"type": "input_audio_buffer.commit", "event_id": "\\ud800"}', None),
        (
            json.dumps(
                {
                    "type": "transcription_session.update",
                    "session": {"input_audio_transcription": {"prompt": "a, " * 30_000}},
                }
            ),
            "session.input_audio_transcription.prompt",
        ),
        (
            json.dumps(
                {
                    "type": "transcription_session.update",
                    "session": {"input_audio_transcription": {"keywords": ["a"] * 501}},
                }
            ),
            "session.input_audio_transcription.keywords",
        ),
        (
            '{"type": "session.update", "session": {"type": "transcription", "audio": {"input":'
            ' {"transcription": {"prompt": "\\ud800"}}}}}',
            None,
        ),
        ('{"type": "session.update", "session": {"type": "realtime"}}', "session.type"),
        ('{"type": "session.update", "session": {"type": "transcription", "speed": 1}}', "session.speed"),
        ('{"type": "transcription_session.update", "session": {"turn_detection": {"threshold": 7}}}', None),
        (json.dumps({"type": "x", "audio": "A" * 3_000_000}), None),
    ],
)
def test_a_frame_that_makes_no_sense_is_told_and_the_session_goes_on(
    client: TestClient, key: Key, frame: str, param: str | None
) -> None:
    with session(client, key(client, "admin")) as socket:
        socket.send_text(frame)
        [wrong] = until(socket, "error")
        assert set(wrong["error"]) == {"type", "code", "message", "param", "event_id"}
        assert wrong["error"]["type"] == "invalid_request_error"
        if param:
            assert wrong["error"]["param"] == param
        socket.send_bytes(b"\0" * 100)
        assert "binary" in until(socket, "error")[-1]["error"]["message"]
        say(socket, spoken("noch da"))
        assert until(socket, "completed")[-1]["transcript"] == "noch da"


def test_a_setting_that_the_engine_lacks_is_told_and_the_others_stay(client: TestClient, key: Key) -> None:
    with session(client, key(client, "admin")) as socket:
        assert configure(socket, transcription={"language": "tlh"})["error"]["code"] == "unsupported_language"
        assert configure(socket, transcription={"model": "ghost"})["error"]["code"] == "model_not_found"
        told = configure(socket, turn_detection={"type": "server_vad", "threshold": 0.7})
        assert told["session"]["audio"]["input"]["transcription"]["language"] is None
        assert told["session"]["audio"]["input"]["turn_detection"]["threshold"] == 0.7
        wrong = configure(socket, turn_detection={"type": "semantic_vad"})
        assert wrong["error"]["param"] == "session.audio.input.turn_detection.type"


def test_sound_without_end_is_cut_into_turns(serve: Serve, key: Key) -> None:
    client = serve(realtime_turn_seconds=2)
    tone = np.sin(np.arange(24_000 * 5, dtype=np.float32) / 10) * np.float32(0.3)
    with session(client, key(client, "admin")) as socket:
        say(socket, tone)
        found = until(socket, "completed") + until(socket, "completed")
    stops = [event["audio_end_ms"] for event in found if event["type"].endswith("speech_stopped")]
    assert stops[0] <= 2_400
    assert len(stops) >= 2


def test_a_buffer_that_nobody_commits_stops_growing(serve: Serve, key: Key) -> None:
    client = serve(realtime_turn_seconds=1)
    with session(client, key(client, "admin")) as socket:
        configure(socket, turn_detection=None)
        say(socket, np.zeros(24_000 * 3, np.float32))
        assert until(socket, "error")[-1]["error"]["code"] == "limit_exceeded"
        socket.send_json({"type": "input_audio_buffer.commit"})
        assert until(socket, "completed")[-1]["usage"]["seconds"] <= 1.3


class Broken(ToneRecognizer):
    """Fails at everything."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        raise RuntimeError("no")


def test_a_turn_that_cannot_be_recognised_is_told_as_failed(serve: Serve, key: Key) -> None:
    client = serve(Broken())
    header = key(client, "admin")
    with session(client, header) as socket:
        for _ in range(2):
            say(socket, spoken())
            assert until(socket, "failed")[-1]["error"]["code"] == "engine_failed"
    assert {job["status"] for job in client.get("/v1/jobs", headers=header).json()["data"]} == {"failed"}


def test_a_client_that_leaves_in_the_middle_leaves_the_server_well(client: TestClient, key: Key) -> None:
    header = key(client, "admin")
    for _ in range(3):
        with session(client, header) as socket:
            say(socket, spoken()[:30_000])
    assert client.app.state.realtime_sessions == 0  # type: ignore[attr-defined]
    with session(client, header) as socket:
        say(socket, spoken())
        assert until(socket, "completed")
