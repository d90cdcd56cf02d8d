"""What carries queued jobs out: takes one, does it, and writes how it ended, once."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from tingshuo import blobs, outcome
from tingshuo.cancellation import within
from tingshuo.db import Job, Kind
from tingshuo.engines import Engines
from tingshuo.errors import (
    EngineFailed,
    EngineUnavailable,
    RequestCancelled,
    ServerBusy,
    StorageFailed,
    TingshuoError,
)
from tingshuo.leases import Held, Leases
from tingshuo.queues import maintenance, rows
from tingshuo.queues.tasks import task_of
from tingshuo.recording import Recording
from tingshuo.settings import Settings
from tingshuo.tracing import TRACING, Attributes

log = logging.getLogger(__name__)
T = TypeVar("T")

#: What may be gone by the next attempt. Everything else would only fail again.
TRANSIENT = (EngineFailed, EngineUnavailable, OSError, MemoryError)
#: Seconds between two attempts at most.
MAX_PAUSE = 600.0
#: Seconds between two notes of progress.
_PROGRESS_STEP = 0.5


class Worker:
    """Carries jobs out in the threads that call `step`. Thread-safe."""

    def __init__(self, settings: Settings, engines: Engines, leases: Leases) -> None:
        self.settings = settings
        self.engines = engines
        self.leases = leases
        self._guard = threading.Lock()
        self._at_work: set[Held] = set()
        self._returning = threading.Event()

    def step(self, queues: Sequence[str]) -> bool:
        """Carry out the next job of `queues`; False where none waits. Raises `StorageFailed`."""
        if self._returning.is_set():
            return False
        job = rows.claim(self.settings, self.leases, queues)
        if job is None:
            return False
        attempt = rows.Claim(job.id, self.leases.worker, job.attempts)
        told: Attributes = {"tingshuo.job": job.id, "tingshuo.engine": job.engine, "tingshuo.attempt": job.attempts}
        with self.leases.keep(job.id, job.attempts) as held, self._counted(held), TRACING.span(f"job {job.kind}", told):
            self._carry_out(job, attempt, held)
        return True

    def hand_back(self) -> None:
        """Let what is being worked on wait again: this process is to end now."""
        self._returning.set()
        with self._guard:
            for held in self._at_work:
                held.returned = True
                held.wanted.cancel()

    @contextlib.contextmanager
    def _counted(self, held: Held) -> Iterator[None]:
        with self._guard:
            self._at_work.add(held)
        try:
            yield
        finally:
            with self._guard:
                self._at_work.discard(held)

    def _carry_out(self, job: Job, attempt: rows.Claim, held: Held) -> None:
        start = time.monotonic()
        kind = cast(Kind, job.kind)
        try:
            with within(held.wanted):
                held.wanted.check()
                recording, columns = self._work(job, attempt)
                held.wanted.check()
            values = {**columns, **outcome.succeeded(self.settings, recording, kind, job.attempts)}
            values["labels"] = outcome.labels_of(kind, job.parameters, recording.result)
        except Exception as error:  # noqa: BLE001 - whatever a job raises ends the job, not the worker
            self._ended_badly(job, attempt, held, error)
            return
        values |= outcome.closing(self.settings, job)
        values |= {"error_code": None, "error_message": None, "processing_seconds": time.monotonic() - start}
        if not self._end(job, attempt, values) and values.get("audio_name") not in (None, job.input_blob):
            log.warning("job %s was lost while it was worked on; this result is dropped", job.id)
            blobs.store(self.settings).remove(job.id, values["audio_name"])

    def _work(self, job: Job, attempt: rows.Claim) -> tuple[Recording, dict[str, Any]]:
        """What the job gave, and with what it was done."""
        task = task_of(cast(Kind, job.kind), job.request or {}, self.engines, self.settings)
        recording = Recording(id=job.id)
        with self._upload(job) as upload:
            task.perform(recording, upload, self._progress(attempt))
        return recording, outcome.model_of(task.engine)

    @contextlib.contextmanager
    def _upload(self, job: Job) -> Iterator[Path | None]:
        if job.input_blob is None:
            yield None
            return
        with blobs.store(self.settings).local(job.id, job.input_blob) as path:
            yield path

    def _progress(self, attempt: rows.Claim) -> Callable[[float], None]:
        noted = time.monotonic()
        note = threading.Thread()

        def progress(fraction: float) -> None:
            nonlocal noted, note
            if time.monotonic() - noted >= _PROGRESS_STEP and not note.is_alive():
                noted = time.monotonic()
                # In a thread of its own: an engine must not wait for the database, which may be slow to answer.
                note = threading.Thread(target=self._note, args=(attempt, min(fraction, 0.99)), daemon=True)
                note.start()

        return progress

    def _note(self, attempt: rows.Claim, fraction: float) -> None:
        with contextlib.suppress(StorageFailed):  # the next one will do
            rows.note_progress(self.settings, attempt, fraction)

    def _ended_badly(self, job: Job, attempt: rows.Claim, held: Held, error: Exception) -> None:
        failed = outcome.failed(self.settings, error)
        if held.lost:
            log.warning("job %s was lost while it was worked on (%s)", job.id, failed["error_code"])
        elif isinstance(error, RequestCancelled) and held.returned:
            self._persist(lambda: rows.give_back(self.settings, attempt))
        elif isinstance(error, RequestCancelled):
            ending = outcome.closing(self.settings, job, keep_input=False)
            self._end(job, attempt, {"status": "cancelled", **ending})
        elif isinstance(error, ServerBusy | StorageFailed):  # no fault of the job: it does not count as an attempt
            pause = min(float(error.retry_after or 1), 4 * self.settings.retry_seconds)
            log.warning("job %s waits again: %s", job.id, error.message)
            self._persist(lambda: rows.give_back(self.settings, attempt, pause))
        elif isinstance(error, TRANSIENT) and job.attempts < job.max_attempts:
            why = {name: failed[name] for name in ("error_code", "error_message")}
            pause = retry_pause(self.settings, job.attempts)
            log.warning("job %s: attempt %d failed (%s)", job.id, job.attempts, failed["error_code"])
            self._persist(lambda: rows.wait_again(self.settings, attempt, pause, why))
        else:
            if not isinstance(error, TingshuoError):
                log.exception("job %s failed", job.id, exc_info=error)
            self._end(job, attempt, {**failed, **outcome.closing(self.settings, job)})

    def _end(self, job: Job, attempt: rows.Claim, values: dict[str, Any]) -> bool:
        """Write how the job ended, and remove what is not to be kept: the upload, and what lost attempts left."""
        ended = self._persist(lambda: rows.end(self.settings, attempt, values))
        if not ended:
            return False
        try:
            if job.attempts > 1:
                blobs.store(self.settings).remove_others(job.id, {values.get("audio_name"), job.input_blob})
            if job.input_blob and values.get("input_held", True):
                maintenance.remove_input(self.settings, job.id, job.input_blob)
        except StorageFailed as error:  # maintenance tries again
            log.warning("cannot remove what job %s leaves: %s", job.id, error.message)
        return True

    def _persist(self, write: Callable[[], T]) -> T:
        """What `write` returns, once the database takes it: a result is not thrown away because of a restart."""
        while True:
            try:
                return write()
            except StorageFailed as error:
                if self._returning.is_set():
                    raise
                log.warning("cannot write how a job ended, trying again: %s", error.message)
                time.sleep(min(1.0, self.settings.lease_seconds / 4))


def retry_pause(settings: Settings, attempts: int) -> float:
    """Seconds before the next attempt after `attempts` of them: doubling, spread so that not all come at once."""
    pause = min(settings.retry_seconds * 2.0 ** (attempts - 1), MAX_PAUSE)
    return pause * random.uniform(0.8, 1.2)
