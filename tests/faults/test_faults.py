"""Workers killed in the middle of jobs, connections cut, disks full: every job ends once. Longer: bench/faults.py."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from job_site import Site

BENCH = Path(__file__).resolve().parents[2] / "bench" / "faults.py"


def _run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCH), "--jobs", "24", "--lease", "2", "--kill-every", "0.5", "--kills", "2"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TINGSHUO_")}
    done = subprocess.run([*command, "--timeout", "200", *arguments], capture_output=True, env=environment, timeout=300)
    assert done.stdout, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_jobs_of_killed_workers_end_once_with_the_local_queue() -> None:
    told = _run()
    assert (told["broken_promises"], told["all_ended_in_time"]) == ({}, True), told
    assert told["states"] == {"succeeded": 22, "failed": 2}
    # Two texts fail on purpose. Where the worker of a text's last attempt was killed, that is the reason told; that it
    # had no attempt left, and that the engine failed no other text, is among the promises.
    assert set(told["failed_for"]) <= {"engine_failed", "interrupted"}


def test_jobs_of_killed_workers_end_once_with_the_broker(postgres_url: str, broker: dict[str, object]) -> None:
    told = _run("--queue", "celery", "--database", postgres_url, "--terminate-every", "5")
    assert (told["broken_promises"], told["all_ended_in_time"]) == ({}, True), told
    assert told["states"] == {"succeeded": 22, "failed": 2}


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Nothing can be written durably until what this gives is called."""
    real = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    return lambda: monkeypatch.setattr(os, "fsync", real)


def test_a_full_disk_costs_no_job_and_no_attempt(make_site: Callable[..., Site], full_disk: Callable[[], None]) -> None:
    site = make_site(keep_audio="output")
    job_id = site.say()
    site.work()
    while site.engine.spoken.count("hello") < 3:
        assert site.get(job_id).status in ("queued", "running")
    full_disk()
    job = site.until(job_id, "succeeded", "failed")
    assert (job.status, job.attempts) == ("succeeded", 1)
    assert len(site.blobs()) == 1


def test_connections_that_are_cut_in_the_middle_of_a_job_lose_nothing(make_site: Callable[..., Site]) -> None:
    site = make_site("local-postgresql", lease_seconds=30.0)
    site.work()
    jobs = [site.say("slow one"), *(site.say(f"number {number}") for number in range(5))]
    assert site.engine.begun.wait(60)
    _cut(site)
    site.engine.go_on.set()
    _cut(site)
    for job_id in jobs:
        assert site.until(job_id, "succeeded", "failed").status == "succeeded"


def _cut(site: Site) -> None:
    with psycopg.connect(site.settings.database_url, autocommit=True) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_messages_that_the_broker_lost_are_sent_again(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    import amqp  # type: ignore[import-untyped]

    from tingshuo.queues import outbox

    monkeypatch.setattr(outbox, "_LOST_AFTER", timedelta(seconds=0.5))
    site = make_site("celery-postgresql")
    publisher = site.work(["maintenance"])
    jobs = [site.say(f"number {number}") for number in range(5)]
    while any(site.get(job_id).published_at is None for job_id in jobs):
        publisher.notify()
    with amqp.Connection("127.0.0.1:5672", "guest", "guest") as connection, connection.channel() as channel:
        channel.queue_delete(f"{site.settings.broker_prefix}.cpu")
    site.work()
    for job_id in jobs:
        assert site.until(job_id, "succeeded", "failed").status == "succeeded"
