"""A server whose engine runs in a process of its own: the engine dies, the server does not, and the other way round."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from serving import Server, running

SPEECH = {"model": "espeak", "input": "你好", "response_format": "wav"}

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system has no /proc to find them in")


def engines_of(server: Server) -> set[int]:
    """The processes that the server started and that still run."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8", "replace").rpartition(")")[2].split()
            command = status.with_name("cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if fields[0] != "Z" and b"tingshuo.engine_server" in command and int(fields[1]) == server.process.pid:
            found.add(int(status.parent.name))
    return found


def ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def speak(server: Server) -> int:
    return httpx.post(f"{server.url}/v1/audio/speech", json=SPEECH, headers=server.headers, timeout=60).status_code


def test_the_server_outlives_its_engine_and_no_engine_outlives_its_server(tmp_path: Path) -> None:
    with running(tmp_path / "data", TINGSHUO_ENGINE_ISOLATION="espeak") as server:
        assert engines_of(server) == set()
        assert speak(server) == 200
        [first] = engines_of(server)
        os.kill(first, signal.SIGKILL)
        # The one that is told of the end while it asks may fail; the one after it may not.
        assert speak(server) in {200, 503}
        assert speak(server) == 200
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        [second] = engines_of(server)
        assert second != first
        listed = httpx.get(f"{server.url}/v1/engines", headers=server.headers).json()["data"]
        assert [engine["loaded"] for engine in listed if engine["name"] == "espeak"] == [True]
        server.process.kill()
        server.process.wait(30)
        deadline = time.monotonic() + 30
        while not ended(second):
            assert time.monotonic() < deadline
            time.sleep(0.05)
