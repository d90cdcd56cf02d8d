"""The threads that keep jobs going outlive whatever a step raises."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from tingshuo import db
from tingshuo.leases import Leases
from tingshuo.queues import reaper
from tingshuo.queues.local import LocalQueue
from tingshuo.queues.maintenance import Maintenance
from tingshuo.queues.queue import Work
from tingshuo.settings import Settings, load_settings


def test_an_unforeseen_failure_of_a_step_does_not_end_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    again, calls = threading.Event(), 0

    def step(_: Sequence[str]) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("a row that nobody foresaw")
        again.set()
        return False

    queue = LocalQueue()
    queue.start([Work(step, ["cpu"], 1)])
    try:
        assert again.wait(30)
        assert "a row that nobody foresaw" in caplog.text
    finally:
        queue.stop()
        assert queue.join(30)


class Unforeseen:
    """A step that fails the first time; `again` is set by the second."""

    def __init__(self) -> None:
        self.calls, self.again = 0, threading.Event()

    def __call__(self, *_: object) -> None:
        self.calls += 1
        if self.calls == 1:
            raise ValueError("a row that nobody foresaw")
        self.again.set()


@pytest.fixture
def hasty(settings: Settings) -> Settings:
    found = load_settings(data_dir=settings.data_dir, lease_seconds=1)
    db.upgrade(found)
    return found


def test_an_unforeseen_failure_does_not_end_maintenance(hasty: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Unforeseen()
    monkeypatch.setattr(reaper, "reap", step)
    maintenance = Maintenance(hasty)
    maintenance.start()
    try:
        assert step.again.wait(30)
    finally:
        maintenance.close()


def test_an_unforeseen_failure_does_not_end_the_extending_of_leases(
    hasty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Unforeseen()
    monkeypatch.setattr(Leases, "_extend", step)
    leases = Leases(hasty)
    with leases.keep("job_1"):
        assert step.again.wait(30)
    leases.close()
