"""`tingshuo wyoming` with the real engines, asked by the client of the package `wyoming`."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import clean_environment, tingshuo

from tingshuo.wyoming import protocol as wire

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from wyoming.client import AsyncTcpClient


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        tingshuo("wyoming", "--uri", "tcp://127.0.0.1:0"),
        env=clean_environment(tmp_path / "data"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with started:
        yield started
        started.kill()


def test_a_sentence_is_spoken_and_heard_again(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    found = re.search(r":(\d+)$", process.stdout.readline().strip())
    assert found is not None
    text = asyncio.run(asyncio.wait_for(_round_trip(int(found[1])), 120))
    assert "天气" in text
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


async def _round_trip(port: int) -> str:
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(wire.Describe().event())
        info = wire.Info.from_event(await _first(client, "info"))
        assert "sensevoice" in [program.name for program in info.asr]
        assert "cmn" in [voice.name for program in info.tts for voice in program.voices]
        await client.write_event(wire.SelectProgram(name="espeak").event())
        voice = wire.SynthesizeVoice(name="cmn", speaker="happy")
        await client.write_event(wire.Synthesize(text="今天天气很好。", voice=voice).event())
        start = wire.AudioStart.from_event(await _first(client, "audio-start"))
        chunks = []
        while (event := await _first(client, "audio-chunk", "audio-stop")).type == "audio-chunk":
            chunks.append(event)
        await client.write_event(wire.Transcribe(name="sensevoice", language="zh").event())
        await client.write_event(start.event())
        for chunk in chunks:
            await client.write_event(chunk)
        await client.write_event(wire.AudioStop().event())
        return wire.Transcript.from_event(await _first(client, "transcript")).text


async def _first(client: AsyncTcpClient, *kinds: str) -> wire.Event:
    while (event := await client.read_event()) is not None:
        assert event.type != "error", event.data
        if event.type in kinds:
            return event
    raise AssertionError(f"the connection ended before {kinds}")


def test_an_open_address_needs_an_allow_list(tmp_path: Path) -> None:
    done = subprocess.run(
        tingshuo("wyoming", "--uri", "tcp://0.0.0.0:0"),
        env=clean_environment(tmp_path / "data"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "TINGSHUO_ALLOWED_IPS" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
