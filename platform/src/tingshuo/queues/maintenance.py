"""What has to be done from time to time: lost jobs, expired audio, old rows, blobs that nothing refers to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from tingshuo import blobs, db
from tingshuo.db import ENDED, Job
from tingshuo.errors import TingshuoError
from tingshuo.queues import reaper
from tingshuo.queues.clean_up import clean_up
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks for audio and inputs that are to go, and for blobs without a row.
EXPIRY_PERIOD, ORPHAN_PERIOD = 300.0, 6 * 3600.0
#: A blob is stored before its row is written; one without a row is left alone for so long.
ORPHAN_AGE = timedelta(days=1)


class Maintenance:
    """A thread that keeps a server tidy. Several processes may do so at once: each step can be done twice."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)
        self._due: dict[str, float] = {}
        self._failed_at: float | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; waits for the step in progress."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = min(5.0, self.settings.lease_seconds / 4)
        while not self._stop.is_set():
            self._step("leases", pause, self._reap)
            self._step("expiry", EXPIRY_PERIOD, self._expire)
            self._step("orphans", ORPHAN_PERIOD, lambda: remove_orphans(self.settings))
            self._stop.wait(pause)

    def _step(self, name: str, period: float, step: Callable[[], object]) -> None:
        if time.monotonic() < self._due.get(name, 0.0):
            return
        try:
            step()
            self._due[name] = time.monotonic() + period
        except TingshuoError as error:
            log.warning("maintenance (%s): %s", name, error.message)
            self._failed_at = time.monotonic()
        except Exception:  # a row that cannot be tidied up must not end what extends the life of the others
            log.exception("maintenance (%s) failed; it is tried again", name)

    def _reap(self) -> None:
        # While the database was away nobody could extend a lease. Those who live get time to do it.
        if self._failed_at is not None and time.monotonic() - self._failed_at < self.settings.lease_seconds:
            with db.session(self.settings) as session:
                session.execute(select(1))
            return
        reaper.reap(self.settings)

    def _expire(self) -> None:
        remove_inputs(self.settings)
        clean_up(self.settings)


def remove_inputs(settings: Settings) -> int:
    """Remove the inputs of ended jobs that a crash has left; how many there were."""
    with db.session(settings) as session:
        query = select(Job.id, Job.input_blob).where(Job.input_held, Job.status.in_(ENDED))
        left = session.execute(query).all()
    for job_id, name in left:
        remove_input(settings, job_id, name)
    return len(left)


def remove_input(settings: Settings, job_id: str, name: str | None) -> None:
    """Remove the stored input of an ended job."""
    if name is not None:
        blobs.store(settings).remove(job_id, name)
    with db.session(settings) as session:
        session.execute(update(Job).where(Job.id == job_id).values(input_held=False, input_blob=None))


def remove_orphans(settings: Settings) -> int:
    """Remove blobs whose job has no row: what a crash between storing and writing has left; how many jobs."""
    stored = blobs.store(settings)
    old = [job_id for job_id in stored.jobs() if _age(job_id) > ORPHAN_AGE]
    removed = 0
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        with db.session(settings) as session:
            known = set(session.scalars(select(Job.id).where(Job.id.in_(some))))
        for job_id in set(some) - known:
            stored.remove(job_id)
            removed += 1
    return removed


def _age(job_id: str) -> timedelta:
    """How long ago a job id was made: it begins with the time in microseconds."""
    try:
        microseconds = int(job_id.removeprefix("job_")[:14], 16)
    except ValueError:  # not one of ours: it is left alone
        return timedelta(0)
    return timedelta(microseconds=time.time_ns() // 1000 - microseconds)
