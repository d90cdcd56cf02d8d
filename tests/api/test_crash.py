"""A server killed in the middle of a request leaves a row that the next start closes with the reason."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from tingshuo import auth, db
from tingshuo.settings import Settings

PLUGIN = """
import time
from tingshuo import hookimpl
from tingshuo.tones import ToneSynthesizer

class Slow(ToneSynthesizer):
    name = "slow"

    def synthesize(self, utterance):
        time.sleep(600)

@hookimpl
def register_engines(settings):
    return [Slow()]
"""

PROGRAM = """
import sys
import uvicorn
from tingshuo.api import create_app
from tingshuo.settings import load_settings
uvicorn.run(create_app(load_settings()), port=int(sys.argv[1]), log_level="warning", proxy_headers=False)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder for sys.path in which the slow engine is an installed plugin."""
    info = tmp_path / "plugin" / "slow-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tingshuo]\nslow = slow_engine\n")
    (info.parent / "slow_engine.py").write_text(PLUGIN)
    return info.parent


@contextmanager
def _server(settings: Settings, plugin: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(plugin),
        "TINGSHUO_DATA_DIR": str(settings.data_dir),
        "TINGSHUO_DATABASE_URL": settings.database_url,
        "TINGSHUO_PLUGINS": "slow",
        "TINGSHUO_LEASE_SECONDS": "2",
    }
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _until_it_answers(process, f"{url}/healthz")
        yield process, url
    finally:
        process.kill()
        process.wait(30)


def _until_it_answers(process: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        with suppress(httpx2.TransportError):
            httpx2.get(url)
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def test_a_job_interrupted_by_kill_9_is_failed_with_the_reason_after_a_restart(
    any_database: Settings, plugin: Path
) -> None:
    db.upgrade(any_database)
    headers = {"Authorization": f"Bearer {auth.create_key(any_database, 'admin', ['admin'])[1]}"}
    with _server(any_database, plugin) as (process, url):
        request = threading.Thread(target=_speak, args=(url, headers))
        request.start()
        job = _running_job(url, headers)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        request.join(30)
    with _server(any_database, plugin) as (_, url):
        told = _ended_job(url, headers, job)
    assert (told["status"], told["error_code"]) == ("failed", "interrupted")
    assert told["error_message"] == "interrupted: the process ended before the job finished"
    assert told["input_text"] == "hello"


def _speak(url: str, headers: dict[str, str]) -> None:
    with suppress(httpx2.TransportError):
        httpx2.post(f"{url}/v1/audio/speech", json={"input": "hello"}, headers=headers, timeout=60)


def _running_job(url: str, headers: dict[str, str]) -> str:
    for _ in range(300):
        jobs = httpx2.get(f"{url}/v1/jobs?status=running", headers=headers).json()["data"]
        if jobs:
            return str(jobs[0]["id"])
        time.sleep(0.1)
    raise AssertionError("the job never ran")


def _ended_job(url: str, headers: dict[str, str], job: str) -> dict[str, object]:
    for _ in range(300):
        told: dict[str, object] = httpx2.get(f"{url}/v1/jobs/{job}", headers=headers).json()
        if told["status"] != "running":
            return told
        time.sleep(0.1)
    raise AssertionError("the lease of the killed process never ran out")
