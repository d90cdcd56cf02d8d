"""The requests of well-known clients, as their sources send them, and what those read from the replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx2
import openai
import pytest
from live_server import Live
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

# ---- Open WebUI, backend/open_webui/routers/audio.py


def test_open_webui_lists_models_and_voices_without_a_key(serve: Serve) -> None:
    """It joins the address of the API with these two paths and sends no Authorization."""
    client = serve(public_lists=True)
    models = client.get("/v1/audio/models").json().get("models", [])
    assert [(model["id"], model["name"]) for model in models] == [("tones", "tones")]
    voices = client.get("/v1/audio/voices").json().get("voices", [])
    assert {voice["id"]: voice["name"] for voice in voices} == {"high": "high", "low": "low"}


def test_the_lists_need_a_key_unless_told_otherwise(serve: Serve) -> None:
    client = serve()
    for path in ("/v1/audio/models", "/v1/audio/voices"):
        assert client.get(path).status_code == 401


def test_open_webui_speaks_and_stores_what_it_gets_as_mp3(serve: Serve, key: Key) -> None:
    """It sends what its page sent with the model set over it, and the user as headers."""
    client = serve()
    headers = {
        **key(client, "speak"),
        "Content-Type": "application/json",
        "X-OpenWebUI-User-Name": "Li%20Lei",
        "X-OpenWebUI-User-Id": "7",
        "X-OpenWebUI-User-Email": "li@example.com",
        "X-OpenWebUI-User-Role": "user",
    }
    for voice in ("high", "alloy"):
        payload = {"input": "今天真高兴", "voice": voice, "model": "tts-1"}
        reply = client.post("/v1/audio/speech", content=json.dumps(payload), headers=headers)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/mpeg")
        assert reply.content[:3] == b"ID3" or reply.content[:1] == b"\xff"


def test_open_webui_reads_the_message_of_an_error(serve: Serve, key: Key) -> None:
    client = serve()
    reply = client.post("/v1/audio/speech", json={"input": "x", "voice": "nobody"}, headers=key(client, "speak"))
    assert reply.status_code == 400
    assert reply.json()["error"].get("message", "").startswith("tones has no voice 'nobody'")


@pytest.mark.parametrize("language", ["zh", None])
def test_open_webui_sends_a_recording(serve: Serve, key: Key, speech: bytes, language: str | None) -> None:
    """With the language of its page first, without it if that fails. It keeps the JSON and reads `text`."""
    client = serve()
    data = {"model": "whisper-1"} | ({"language": language} if language else {})
    reply = client.post(
        "/v1/audio/transcriptions",
        files={"file": ("5c1d0a.wav", speech, "audio/wav")},
        data=data,
        headers=key(client, "transcribe"),
    )
    assert reply.json()["text"] == "今天真高兴"


# ---- pipecat, src/pipecat/services/openai/{tts,stt}.py


def test_pipecat_speaks(live: Live) -> None:
    async def frames() -> list[bytes]:
        async with (
            openai.AsyncOpenAI(api_key=live.token("speak"), base_url=f"{live.url}/v1") as client,
            client.audio.speech.with_streaming_response.create(
                input="hello",
                model="gpt-4o-mini-tts",
                voice="nova",
                response_format="pcm",
                instructions="Speak warmly.",
                speed=1.0,
            ) as reply,
        ):
            assert reply.status_code == 200
            return [chunk async for chunk in reply.iter_bytes(9_600)]

    chunks = asyncio.run(frames())
    # It calls the rate 24 000 Hz whatever comes; a frame of an odd number of bytes would be noise.
    assert len(b"".join(chunks)) % 2 == 0
    assert len(b"".join(chunks)) == pytest.approx(1.93 * 48_000, abs=480)


def test_pipecat_tells_a_wrong_voice_by_its_status(live: Live) -> None:
    async def ask() -> None:
        async with (
            openai.AsyncOpenAI(api_key=live.token("speak"), base_url=f"{live.url}/v1", max_retries=0) as client,
            client.audio.speech.with_streaming_response.create(
                input="hello", model="gpt-4o-mini-tts", voice="nobody", response_format="pcm"
            ),
        ):
            raise AssertionError("it was answered")

    with pytest.raises(openai.BadRequestError, match="no voice 'nobody'"):
        asyncio.run(ask())


def test_pipecat_hears(live: Live, speech: bytes) -> None:
    async def ask() -> str:
        async with openai.AsyncOpenAI(api_key=live.token("transcribe"), base_url=f"{live.url}/v1") as client:
            heard = await client.audio.transcriptions.create(
                file=("audio.wav", speech, "audio/wav"),
                model="gpt-4o-transcribe",
                language="zh",
                prompt="Tingshuo",
                temperature=0.0,
            )
            return heard.text

    assert asyncio.run(ask()) == "今天真高兴"


# ---- LiveKit, livekit-plugins-openai: tts.py, stt.py


def _livekit(live: Live, **fields: Any) -> Iterator[tuple[str, bytes]]:
    """The request it sends, and the reply as it reads it: by Content-Type."""
    body = {"input": "hello", "voice": "ash", "response_format": "mp3", "speed": 1.0, **fields}
    headers = {"Authorization": f"Bearer {live.token('speak')}"}
    with httpx2.stream("POST", f"{live.url}/v1/audio/speech", json=body, headers=headers, timeout=30) as reply:
        reply.raise_for_status()
        kind = reply.headers["content-type"].partition(";")[0]
        yield kind, reply.read()


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"model": "tts-1"}, "audio/mpeg"),
        ({"model": "gpt-4o-mini-tts", "stream_format": "sse"}, "text/event-stream"),
        ({"model": "gpt-4o-mini-tts", "stream_format": "audio", "instructions": "Be calm"}, "audio/mpeg"),
    ],
)
def test_livekit_speaks(live: Live, fields: dict[str, Any], kind: str) -> None:
    ((told, content),) = _livekit(live, **fields)
    assert told == kind
    if kind == "text/event-stream":
        events = [json.loads(line[6:]) for line in content.decode().split("\n\n") if line]
        assert all(event.get("audio") for event in events[:-1])
        assert events[-1]["type"] == "speech.audio.done"
        assert {"input_tokens", "output_tokens"} <= set(events[-1]["usage"])


@pytest.mark.parametrize(("model", "shape"), [("whisper-1", "verbose_json"), ("gpt-4o-mini-transcribe", "json")])
def test_livekit_hears(live: Live, speech: bytes, model: str, shape: Any) -> None:
    """For whisper-1 it asks verbose_json and takes its language over; an empty language stands for any."""
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=live.token("transcribe"), max_retries=0) as client:
        for language in ("zh", ""):
            heard = client.audio.transcriptions.create(
                file=("file.wav", speech, "audio/wav"), model=model, language=language, response_format=shape
            )
            assert heard.text == "今天真高兴"
            assert getattr(heard, "language", "chinese") == "chinese"
