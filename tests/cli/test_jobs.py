"""`tingshuo worker`, `watch` and `jobs`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import Result

from tingshuo import db
from tingshuo.db import Job
from tingshuo.engines import Engines
from tingshuo.jobs import History
from tingshuo.settings import Settings, load_settings
from tingshuo.submission import Submission, Terms, Wish

Invoke: TypeAlias = Callable[..., Result]
Wav: TypeAlias = Callable[..., Path]


@pytest.fixture
def queued(invoke: Invoke) -> tuple[Settings, Callable[[], str]]:
    """Settings of the installation, and what queues a speech there."""
    settings = load_settings()
    db.upgrade(settings)

    def queue() -> str:
        wish = Wish({"input": "hello", "response_format": "wav"})
        return Submission(settings, Engines(settings), "key_a").job("speech", wish, Terms())[0].id

    return settings, queue


@contextmanager
def _running(environment: dict[str, str], *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tingshuo", *map(str, arguments)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_does_what_waits_and_ends_when_asked(
    environment: dict[str, str], queued: tuple[Settings, Callable[[], str]]
) -> None:
    settings, queue = queued
    job_id, history = queue(), History(settings)
    with _running(environment, "worker", "--queues", "cpu", "--threads", "2") as process:
        _until(lambda: history.get(job_id).status == "succeeded")
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    assert b"stopping" in told


def test_jobs_are_listed_shown_cancelled_and_done_again(
    invoke: Invoke, queued: tuple[Settings, Callable[[], str]]
) -> None:
    _, queue = queued
    job_id = queue()
    assert job_id in invoke("jobs", "list", "--status", "queued", "--kind", "speech").stdout
    assert invoke("jobs", "list", "--status", "failed").stdout.count("\n") == 1
    assert json.loads(invoke("jobs", "show", job_id).stdout)["input_text"] == "hello"
    refused = invoke("jobs", "retry", job_id)
    assert (refused.exit_code, "queued" in refused.stderr) == (2, True)
    assert "cancelled" in invoke("jobs", "cancel", job_id).stderr
    again = invoke("jobs", "retry", job_id).stdout.strip()
    shown = json.loads(invoke("jobs", "show", again).stdout)
    assert (shown["status"], shown["replay_of"], shown["caller"]) == ("queued", job_id, "key_a")
    missing = invoke("jobs", "show", "job_x")
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)


def test_a_worker_for_a_queue_there_is_not_is_refused(invoke: Invoke) -> None:
    for names in ("tpu", ""):
        result = invoke("worker", "--queues", names)
        assert (result.exit_code, "cpu, gpu" in result.stderr) == (2, True)


def test_what_comes_into_a_watched_folder_is_transcribed_once(
    environment: dict[str, str], tmp_path: Path, wav: Wav
) -> None:
    calls, out = tmp_path / "calls", tmp_path / "out"
    wav(calls / "early.wav")
    arguments = ("watch", calls, "--out", out, "--settle", "0.2")
    with _running(environment, *arguments):
        _until(lambda: (out / "early.wav.json").is_file())
        growing = wav(calls / "later" / "growing.wav", 1.0)
        _until(lambda: (out / "later" / "growing.wav.json").is_file())
    (calls / "broken.wav").write_bytes(b"no sound")
    before = (out / "early.wav.json").stat().st_mtime_ns
    assert growing.is_file()
    with _running(environment, *arguments) as process:
        _until(lambda: (out / "errors.jsonl").is_file())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (out / "early.wav.json").stat().st_mtime_ns == before
    settings = load_settings(data_dir=environment["TINGSHUO_DATA_DIR"])
    with db.session(settings) as session:
        names = sorted(str(job.input_name) for job in session.query(Job))
    db.dispose(settings)
    assert names == ["broken.wav", "early.wav", "growing.wav"]
    assert os.listdir(calls / "later") == ["growing.wav"]
