"""Realtime transcription with real engines: OpenAI's own client and a bare websocket against a running server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

import httpx2 as httpx
import numpy as np
import openai
import pytest
import websockets
from openai.types.realtime import RealtimeTranscriptionSessionCreateRequestParam
from serving import Server

SENTENCE = "今天天气真好，我们一起去公园散步吧。"
#: Seconds of one message, at 24 kHz and 16 bits.
CHUNK_SECONDS, CHUNK_BYTES = 0.1, 4_800


@pytest.fixture(scope="module")
def speech(server: Server) -> bytes:
    """The sentence, angrily, and a second of silence: 24 kHz, 16 bit, mono."""
    body = {"model": "espeak", "voice": "cmn", "input": SENTENCE, "emotion": "angry", "response_format": "pcm"}
    reply = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return reply.content + bytes(48_000)


def test_openais_client_hears_text_grow_and_the_turn_with_its_emotion(server: Server, speech: bytes) -> None:
    events = asyncio.run(_spoken(server, speech))
    kinds = [event.type.rpartition(".")[2] for event in events]
    stopped = kinds.index("speech_stopped")
    assert kinds[:3] == ["created", "updated", "speech_started"]
    assert kinds[3:stopped].count("delta") >= 2
    last = events[-1]
    assert last.type == "conversation.item.input_audio_transcription.completed"
    assert "今天" in last.transcript
    assert last.tingshuo["emotion"]["label"] == "angry"
    assert last.tingshuo["engine"] == "sensevoice"
    job = httpx.get(f"{server.url}/v1/jobs/{last.tingshuo['job']}", headers=server.headers).json()
    assert (job["status"], job["kind"], job["result"]["text"]) == ("succeeded", "transcription", last.transcript)


async def _spoken(server: Server, speech: bytes) -> list[Any]:
    """Say it as a microphone gives it; the events until the turn is transcribed."""
    events: list[Any] = []
    async with (
        openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client,
        client.realtime.connect(model="gpt-4o-transcribe", extra_query={"intent": "transcription"}) as connection,
    ):
        events.append(await connection.recv())
        session: RealtimeTranscriptionSessionCreateRequestParam = {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "sensevoice", "language": "zh"}}},
        }
        await connection.session.update(session=session)

        async def microphone() -> None:
            for start in range(0, len(speech), CHUNK_BYTES):
                audio = base64.b64encode(speech[start : start + CHUNK_BYTES]).decode()
                await connection.input_audio_buffer.append(audio=audio)
                await asyncio.sleep(CHUNK_SECONDS)

        talking = asyncio.create_task(microphone())
        while not events[-1].type.endswith((".completed", ".failed", "error")):
            events.append(await asyncio.wait_for(connection.recv(), 60))
        await talking
    return events


def test_a_bare_websocket_with_a_browsers_key_commits_by_itself(server: Server, speech: bytes) -> None:
    assert asyncio.run(_committed(server, speech))["tingshuo"]["emotion"]["label"] == "angry"


async def _committed(server: Server, speech: bytes) -> dict[str, Any]:
    url = f"ws{server.url.removeprefix('http')}/v1/realtime?intent=transcription"
    protocols = [websockets.Subprotocol("realtime"), websockets.Subprotocol(f"openai-insecure-api-key.{server.key}")]
    async with websockets.connect(url, subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        session = {"type": "transcription", "audio": {"input": {"turn_detection": None}}}
        await socket.send(json.dumps({"type": "session.update", "session": session}))
        audio = base64.b64encode(speech).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
        while True:
            event: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 60))
            if event["type"].endswith((".completed", ".failed", "error")):
                return event


def test_a_wrong_key_is_told_with_the_status_of_any_other_request(server: Server) -> None:
    async def connect() -> None:
        async with (
            openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="ts-wrong", max_retries=0) as client,
            client.realtime.connect(model="whisper-1", extra_query={"intent": "transcription"}),
        ):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(connect())
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("frame", [np.random.default_rng(1).bytes(2_000), "x" * 100_000, "x" * 5_000_000])
def test_frames_of_nonsense_do_not_harm_the_server(server: Server, frame: str | bytes) -> None:
    async def connect() -> None:
        url = f"ws{server.url.removeprefix('http')}/v1/realtime?intent=transcription"
        async with websockets.connect(url, additional_headers=server.headers, max_size=None) as socket:
            for _ in range(5):
                await socket.send(frame)
            await socket.recv()
            assert json.loads(await socket.recv())["type"] == "error"

    with contextlib.suppress(websockets.ConnectionClosed):  # what is far too large ends its own session
        asyncio.run(connect())
    assert httpx.get(f"{server.url}/healthz").status_code == 200
