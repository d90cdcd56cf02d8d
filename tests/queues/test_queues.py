"""What both queues promise: done once, in order of priority, tried again, cancelled, handed back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from job_site import Site
from sqlalchemy import update

from tingshuo import db
from tingshuo.db import Job
from tingshuo.errors import StorageFailed
from tingshuo.leases import Leases
from tingshuo.queues import rows


def test_jobs_are_done_and_those_of_higher_priority_first(site: Site) -> None:
    low, normal, high = site.say("low", priority=-1), site.say("normal"), site.say("high", priority=9)
    site.work()
    for job_id in (low, normal, high):
        job = site.until(job_id, "succeeded", "failed")
        assert (job.status, job.attempts, job.progress) == ("succeeded", 1, 1.0)
        assert (job.worker, job.lease_until) == (None, None)
    assert site.engine.spoken == ["high", "normal", "low"]


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(site: Site) -> None:
    site.work()
    shaky, broken = site.say("shaky"), site.say("broken", max_attempts=2)
    unreadable = site.hear(b"no sound at all")
    job = site.until(shaky, "succeeded", "failed")
    assert (job.status, job.attempts, job.error_code) == ("succeeded", 2, None)
    job = site.until(broken, "failed")
    assert (job.attempts, job.error_code, job.error_message) == (2, "engine_failed", "out of breath")
    job = site.until(unreadable, "failed")
    assert (job.attempts, job.error_code) == (1, "invalid_audio")
    assert site.blobs() == []


def test_a_cancelled_job_has_no_result(site: Site) -> None:
    site.work()
    running = site.say("slow one")
    assert site.engine.begun.wait(60)
    waiting = site.say("never said")
    for job_id in (waiting, running):
        rows.cancel(site.settings, job_id)
    assert site.get(waiting).status == "cancelled"
    job = site.until(running, "cancelled", "succeeded", "failed")
    assert (job.status, job.result, job.audio_size) == ("cancelled", None, None)
    assert "never said" not in site.engine.spoken


def test_a_worker_that_is_stopped_finishes_its_job_or_hands_it_back(site: Site) -> None:
    first = site.work()
    job_id = site.say("slow one")
    assert site.engine.begun.wait(60)
    assert first.close(0.2)
    job = site.get(job_id)
    assert (job.status, job.attempts, job.worker) == ("queued", 0, None)
    site.planes.remove(first)
    site.engine.go_on.set()
    site.work()
    assert site.until(job_id, "succeeded", "failed").attempts == 1


def test_the_job_of_a_worker_taken_for_dead_is_done_by_another_and_has_one_result(site: Site) -> None:
    site.work(threads=2)
    job_id = site.say("slow one")
    assert site.engine.begun.wait(60)
    with db.session(site.settings) as session:
        past = datetime.now(UTC) - timedelta(seconds=60)
        session.execute(update(Job).where(Job.id == job_id).values(worker="a dead one", lease_until=past))
    site.engine.go_on.set()
    job = site.until(job_id, "succeeded", "failed")
    assert (job.status, job.attempts) == ("succeeded", 2)
    assert site.engine.spoken == ["slow one", "slow one"]


def test_a_result_is_kept_where_the_database_took_it_but_its_answer_was_lost(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(keep_audio="all")
    end, unheard = rows.end, list[bool]()

    def lost(*given: Any) -> bool:
        ended = end(*given)
        if not unheard:
            unheard.append(ended)
            raise StorageFailed("the server closed the connection unexpectedly")
        return ended

    monkeypatch.setattr(rows, "end", lost)
    plane = site.work()
    job = site.until(site.say("hello"), "succeeded", "failed")
    plane.close(30)
    assert (job.status, unheard) == ("succeeded", [True])
    with site.history.audio(job) as audio:
        assert audio.stat().st_size == job.audio_size


def test_a_worker_works_on_its_own_queues_alone(make_site: Callable[..., Site]) -> None:
    site = make_site(gpu_engines=["tones"])
    site.work(["cpu"])
    on_gpu = site.say()
    on_cpu = site.hear(b"no sound", max_attempts=1)
    assert (site.get(on_gpu).queue, site.get(on_cpu).queue) == ("gpu", "cpu")
    site.until(on_cpu, "failed")
    assert site.get(on_gpu).status == "queued"
    site.work(["gpu"])
    assert site.until(on_gpu, "succeeded", "failed").status == "succeeded"


def test_a_job_that_keeps_killing_its_workers_fails_in_the_end(make_site: Callable[..., Site]) -> None:
    site = make_site()
    job_id = site.say(max_attempts=2)
    for attempt in (1, 2):
        leases = Leases(site.settings)
        job = rows.claim(site.settings, leases, ["cpu"])
        assert job is not None
        assert job.attempts == attempt
        with db.session(site.settings) as session:
            session.execute(update(Job).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
        assert site.history.recover() == 1
    job = site.get(job_id)
    assert (job.status, job.attempts, job.error_code) == ("failed", 2, "interrupted")
    assert rows.claim(site.settings, leases, ["cpu"]) is None
