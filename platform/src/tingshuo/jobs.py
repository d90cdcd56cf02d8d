"""The history: every request to an engine is a row from before the engine works until somebody deletes it."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import defer

from tingshuo import blobs, db, outcome
from tingshuo.db import ENDED, Job, Kind
from tingshuo.engine import Engine
from tingshuo.errors import InvalidRequest, NotFound, StorageFailed
from tingshuo.filters import JobFilter
from tingshuo.leases import Leases
from tingshuo.queues import reaper, rows
from tingshuo.queues.notices import announce_batch
from tingshuo.recording import Recording
from tingshuo.retention import file_name, kept, storable
from tingshuo.settings import Settings
from tingshuo.tracing import TRACING

log = logging.getLogger(__name__)

JOB_ID = re.compile(r"job_[0-9a-f]{30}")
#: Rows in one page at most.
MAX_PAGE = 200


class History:
    """The jobs of one database. Thread-safe; the tables must be there (`db.upgrade`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.leases = Leases(settings)

    # ---- writing

    @contextlib.contextmanager
    def record(
        self,
        kind: Kind,
        engine: Engine,
        parameters: Mapping[str, object],
        *,
        caller: str,
        input_text: str | None = None,
        input_name: str | None = None,
    ) -> Iterator[Recording]:
        """Record the work done in the `with` block.

        The row says `running` before the block starts, then `succeeded`, or `failed` with the code and message of
        what the block raised. Raises `StorageFailed` or `StorageFull` where the history cannot be written.
        """
        recording = Recording()
        start = time.monotonic()
        self._insert(recording.id, kind, engine, parameters, caller, input_text, input_name)
        told = {"tingshuo.job": recording.id, "tingshuo.engine": engine.name}
        with self.leases.keep(recording.id), TRACING.span(f"job {kind}", told):
            try:
                yield recording
                self._succeed(recording, kind, parameters, time.monotonic() - start)
            except BaseException as error:  # Ctrl-C ends a job too
                self._fail(recording.id, error, time.monotonic() - start)
                raise

    def _insert(
        self,
        job_id: str,
        kind: Kind,
        engine: Engine,
        parameters: Mapping[str, object],
        caller: str,
        input_text: str | None,
        input_name: str | None,
    ) -> None:
        now = datetime.now(UTC)
        keep_text = self.settings.keep_text
        row = Job(
            id=job_id,
            kind=kind,
            status="running",
            caller=caller,
            attempts=1,
            parameters=kept(parameters, keep_text=keep_text),
            input_text=storable(input_text) if input_text is not None and keep_text else None,
            input_name=file_name(input_name),
            created_at=now,
            started_at=now,
            worker=self.leases.worker,
            **outcome.model_of(engine),
        )
        with db.session(self.settings, writes=True) as session:
            row.lease_until = self.leases.until(session)
            session.add(row)

    def _succeed(self, recording: Recording, kind: Kind, parameters: Mapping[str, object], seconds: float) -> None:
        values = outcome.succeeded(self.settings, recording, kind)
        values["labels"] = outcome.labels_of(kind, parameters, recording.result)
        if not self._end(recording.id, values, seconds):  # deleted while it ran, or taken for dead
            blobs.store(self.settings).remove(recording.id)

    def _fail(self, job_id: str, error: BaseException, seconds: float) -> None:
        values = outcome.failed(self.settings, error)
        try:
            self._end(job_id, values, seconds)
            with db.session(self.settings) as session:
                status = session.scalar(select(Job.status).where(Job.id == job_id))
            # What raised may be a lost answer of the database: the job has succeeded then, and its audio stays.
            if status != "succeeded":
                blobs.store(self.settings).remove(job_id)
        except StorageFailed as storage:  # the caller is told of the first error; `recover` tidies up later
            log.error("cannot record that job %s failed with %s: %s", job_id, values["error_code"], storage.message)

    def _end(self, job_id: str, values: Mapping[str, Any], seconds: float) -> bool:
        """Close a running row; False where it is gone or was closed by somebody else."""
        claim = rows.Claim(job_id, self.leases.worker, 1)
        return rows.end(self.settings, claim, {**values, "processing_seconds": seconds})

    # ---- reading; `caller` None means everybody's jobs

    def list(
        self,
        wanted: JobFilter = JobFilter(),
        *,
        caller: str | None = None,
        after: str | None = None,
        limit: int = 50,
        results: bool = True,
    ) -> Sequence[Job]:
        """At most `limit` jobs, the newest first, those after the job id `after` in that order.

        Without `results` neither these nor the requests are read, which may be long.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest(f"limit is {limit}; it must lie between 1 and {MAX_PAGE}", param="limit")
        if after is not None and not JOB_ID.fullmatch(after):
            raise InvalidRequest(f"after is {after!r}; give the id of a job", param="after")
        query = wanted.narrowed(_of(caller)).order_by(Job.id.desc()).limit(limit)
        if after:
            query = query.where(Job.id < after)
        if not results:
            query = query.options(defer(Job.result), defer(Job.request))
        with db.session(self.settings) as session:
            return session.scalars(query).all()

    def get(self, job_id: str, *, caller: str | None = None) -> Job:
        """The job with that id. Raises `NotFound`, also for a job of somebody else."""
        with db.session(self.settings) as session:
            job = session.scalar(_of(caller).where(Job.id == job_id)) if JOB_ID.fullmatch(job_id) else None
        if job is None:
            raise NotFound(f"there is no job {job_id!r}", param="id")
        return job

    @contextlib.contextmanager
    def audio(self, job: Job) -> Iterator[Path]:
        """A file with the audio kept for a job, there while the `with` block runs.

        Raises `NotFound` where none is kept (any more).
        """
        missing = NotFound(f"no audio is kept for job {job.id}; see TINGSHUO_KEEP_AUDIO", param="id")
        if job.audio_name is None:
            raise missing
        with contextlib.ExitStack() as stack:
            try:
                path = stack.enter_context(blobs.store(self.settings).local(job.id, job.audio_name))
            except NotFound:
                raise missing from None
            yield path

    # ---- removing and tidying up

    def delete(self, job_id: str, *, caller: str | None = None) -> None:
        """Remove a job with all that was kept for it. One that still runs leaves nothing behind when it ends."""
        job = self.get(job_id, caller=caller)
        # Blobs first: what is left by a crash in between is a row that can be deleted again, not a lost recording.
        blobs.store(self.settings).remove(job.id)
        with db.session(self.settings) as session:
            session.execute(delete(db.Delivery).where(db.Delivery.job_id == job.id))
            session.execute(delete(Job).where(Job.id == job.id))
            if job.status not in ENDED:
                announce_batch(session, job)
        # Once more for what a job that ended in between has written.
        blobs.store(self.settings).remove(job.id)

    def recover(self) -> int:
        """Take running rows from processes that gave no sign of life; how many there were."""
        return reaper.reap(self.settings)

    def close(self) -> None:
        """Stop extending leases: this process works on nothing any more."""
        self.leases.close()


def _of(caller: str | None) -> Select[Job]:
    return select(Job) if caller is None else select(Job).where(Job.caller == caller)
