"""The history: every request to an engine is a row from before the engine works until somebody deletes it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, Select, delete, select, update

from tingshuo import blobs, db, liveness
from tingshuo.db import Job, Kind, Status
from tingshuo.engine import Engine
from tingshuo.errors import InvalidRequest, NotFound, StorageFailed, TingshuoError
from tingshuo.recording import INTERRUPTED, Recording, failure
from tingshuo.retention import file_name, kept, storable
from tingshuo.settings import Settings
from tingshuo.weights import checksum

log = logging.getLogger(__name__)

JOB_ID = re.compile(r"job_[0-9a-f]{30}")
#: Rows in one page at most.
MAX_PAGE = 200


class History:
    """The jobs of one database. Thread-safe; the tables must be there (`db.upgrade`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._guard = threading.Lock()
        self._life: liveness.LifeSign | None = None

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
        try:
            yield recording
            self._succeed(recording, kind, time.monotonic() - start)
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
            engine=engine.name,
            engine_version=engine.version[:80],
            parameters=kept(parameters, keep_text=keep_text),
            input_text=storable(input_text) if input_text is not None and keep_text else None,
            input_name=file_name(input_name),
            created_at=now,
            started_at=now,
            pid=os.getpid(),
            **_model_of(engine),
            **self._place(),
        )
        with db.session(self.settings) as session:
            session.add(row)

    def _place(self) -> dict[str, str]:
        """The columns that say which process works on a job."""
        try:
            with self._guard:
                self._life = self._life or liveness.LifeSign(self.settings.data_dir)
                return {"node": liveness.node_id(self.settings.data_dir), "process": self._life.id}
        except OSError as error:
            raise blobs.storage_error(error) from error

    def _succeed(self, recording: Recording, kind: Kind, seconds: float) -> None:
        values: dict[str, Any] = {
            "status": "succeeded",
            "result": kept(recording.result, keep_text=self.settings.keep_text),
            "audio_seconds": recording.audio_seconds,
            "characters": recording.characters,
            **self._store_audio(recording, kind),
        }
        if not self._end(recording.id, values, seconds):  # deleted while it ran
            blobs.remove(self.settings.data_dir, recording.id)

    def _store_audio(self, recording: Recording, kind: Kind) -> dict[str, Any]:
        """Write the audio if it is to be kept, and give the columns that say so."""
        keeps = self.settings.keep_audio
        always = keeps == "all" or (keeps == "output" and kind != "transcription")
        if recording.audio is None or not (always or recording.link_expires):
            return {}
        name = _audio_name(recording.audio_format)
        size = blobs.write(self.settings.data_dir, recording.id, name, recording.audio)
        expires = None if always else recording.link_expires
        return {"audio_format": recording.audio_format, "audio_size": size, "audio_expires_at": expires}

    def _fail(self, job_id: str, error: BaseException, seconds: float) -> None:
        code, message = failure(error, keep_text=self.settings.keep_text)
        try:
            self._end(job_id, {"status": "failed", "error_code": code, "error_message": storable(message)}, seconds)
            blobs.remove(self.settings.data_dir, job_id)
        except StorageFailed as storage:  # the caller is told of the first error; `recover` tidies up later
            log.error("cannot record that job %s failed with %s: %s", job_id, code, storage.message)

    def _end(self, job_id: str, values: Mapping[str, Any], seconds: float) -> bool:
        """Close a running row; False where it is gone."""
        ended = {"processing_seconds": seconds, "finished_at": datetime.now(UTC)}
        with db.session(self.settings) as session:
            done = session.execute(update(Job).where(Job.id == job_id).values(**values, **ended))
            return isinstance(done, CursorResult) and done.rowcount == 1

    # ---- reading; `caller` None means everybody's jobs

    def list(
        self,
        *,
        caller: str | None = None,
        kind: Kind | None = None,
        status: Status | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Job]:
        """At most `limit` jobs, the newest first, those after the job id `after` in that order."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest(f"limit is {limit}; it must lie between 1 and {MAX_PAGE}", param="limit")
        if after is not None and not JOB_ID.fullmatch(after):
            raise InvalidRequest(f"after is {after!r}; give the id of a job", param="after")
        query = _of(caller).order_by(Job.id.desc()).limit(limit)
        for column, value in ((Job.kind, kind), (Job.status, status)):
            query = query.where(column == value) if value else query
        if after:
            query = query.where(Job.id < after)
        with db.session(self.settings) as session:
            return session.scalars(query).all()

    def get(self, job_id: str, *, caller: str | None = None) -> Job:
        """The job with that id. Raises `NotFound`, also for a job of somebody else."""
        with db.session(self.settings) as session:
            job = session.scalar(_of(caller).where(Job.id == job_id)) if JOB_ID.fullmatch(job_id) else None
        if job is None:
            raise NotFound(f"there is no job {job_id!r}", param="id")
        return job

    def audio_path(self, job: Job) -> Path:
        """The file with the audio kept for a job. Raises `NotFound` where none is kept (any more)."""
        path = blobs.folder(self.settings.data_dir, job.id) / _audio_name(job.audio_format)
        if job.audio_size is None or not path.is_file():
            raise NotFound(f"no audio is kept for job {job.id}; see TINGSHUO_KEEP_AUDIO", param="id")
        return path

    # ---- removing and tidying up

    def delete(self, job_id: str, *, caller: str | None = None) -> None:
        """Remove a job with all that was kept for it. One that still runs leaves nothing behind when it ends."""
        job = self.get(job_id, caller=caller)
        # Blobs first: what is left by a crash in between is a row that can be deleted again, not a lost recording.
        blobs.remove(self.settings.data_dir, job.id)
        with db.session(self.settings) as session:
            session.execute(delete(Job).where(Job.id == job.id))
        # Once more for what a job that ended in between has written.
        blobs.remove(self.settings.data_dir, job.id)

    def recover(self) -> int:
        """Close the rows that ended processes left running; how many there were. Called at start."""
        folder = self.settings.data_dir
        running = select(Job.id, Job.process).where(Job.status == "running", Job.node == liveness.node_id(folder))
        with db.session(self.settings) as session:
            rows = session.execute(running).all()
        alive = {process: liveness.is_alive(folder, process) for process in {row.process for row in rows}}
        lost = [row.id for row in rows if not alive[row.process]]
        code, message = INTERRUPTED
        values = {"status": "failed", "error_code": code, "error_message": message, "finished_at": datetime.now(UTC)}
        for job_id in lost:
            with db.session(self.settings) as session:
                session.execute(update(Job).where(Job.id == job_id, Job.status == "running").values(**values))
            blobs.remove(folder, job_id)
        liveness.sweep(folder)
        return len(lost)

    def expire_audio(self) -> int:
        """Remove the audio that was kept for a link alone and whose link has expired; how many there were."""
        with db.session(self.settings) as session:
            expired = session.scalars(select(Job.id).where(Job.audio_expires_at <= datetime.now(UTC))).all()
        for job_id in expired:
            blobs.remove(self.settings.data_dir, job_id)
            with db.session(self.settings) as session:
                gone = {"audio_size": None, "audio_expires_at": None}
                session.execute(update(Job).where(Job.id == job_id).values(**gone))
        return len(expired)

    def close(self) -> None:
        """Say that this process works on nothing any more."""
        with self._guard:
            if self._life:
                self._life.close()
                self._life = None


def _of(caller: str | None) -> Select[Job]:
    return select(Job) if caller is None else select(Job).where(Job.caller == caller)


def _audio_name(audio_format: str | None) -> str:
    return f"audio.{audio_format}" if audio_format else "audio"


def _model_of(engine: Engine) -> dict[str, str | None]:
    """The columns that say with which weights a job was done."""
    try:
        model = engine.model()
        return {"model_name": model.name[:200], "model_origin": model.origin, "model_checksum": checksum(model)}
    except (TingshuoError, OSError):  # the engine says so itself when it is called
        return {}
