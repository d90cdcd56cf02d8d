"""Requests that are to be done later: checked, their uploads stored, written down, in this order."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tingshuo import blobs, db, outcome
from tingshuo.db import Batch, Job, Kind
from tingshuo.engines import Engines
from tingshuo.errors import IdempotencyConflict, InvalidAudio, InvalidRequest, ServerBusy
from tingshuo.queues import rows
from tingshuo.queues.tasks import Task, task_of
from tingshuo.recording import FORMAT, new_job_id
from tingshuo.retention import file_name, kept, storable
from tingshuo.settings import Settings
from tingshuo.webhook_targets import check_target

R = TypeVar("R", Job, Batch)

#: Bytes read at once from an upload, to digest it.
_BLOCK_BYTES = 2**20
MAX_PRIORITY = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to recognise. `name` is what the caller calls it."""

    file: BinaryIO
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How a request is to be carried out, whatever it asks for. A higher priority is done first."""

    priority: int = 0
    webhook: str | None = None
    max_attempts: int | None = None
    idempotency_key: str | None = None
    replay_of: str | None = None

    def check(self, settings: Settings) -> None:
        """Raise `InvalidRequest` for what cannot be."""
        if not -MAX_PRIORITY <= self.priority <= MAX_PRIORITY:
            raise InvalidRequest(
                f"priority is {self.priority}; it must lie between -{MAX_PRIORITY} and {MAX_PRIORITY}", param="priority"
            )
        if self.max_attempts is not None and not 1 <= self.max_attempts <= 10:
            raise InvalidRequest(
                f"max_attempts is {self.max_attempts}; it must lie between 1 and 10", param="max_attempts"
            )
        key = self.idempotency_key
        if key is not None and not (0 < len(key) <= 255 and key.isprintable()):
            raise InvalidRequest("Idempotency-Key must have 1 to 255 printable characters", param="Idempotency-Key")
        if self.webhook is not None:
            check_target(settings, self.webhook)


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to do: the fields of the online route, and the file that goes with them."""

    request: Mapping[str, Any]
    upload: Upload | None = None


@dataclass(slots=True)
class _Planned:
    """A wish that was found good, and the row it gets."""

    wish: Wish
    task: Task
    job_id: str = field(default_factory=new_job_id)
    blob: str | None = None
    size: int | None = None


class Submission:
    """The way of a request into the job table."""

    def __init__(self, settings: Settings, engines: Engines, caller: str) -> None:
        self.settings = settings
        self.engines = engines
        self.caller = caller

    def job(self, kind: Kind, wish: Wish, terms: Terms) -> tuple[Job, bool]:
        """(the queued job, True), or (an earlier one, False) where the idempotency key was seen with this request.

        Raises what is wrong with the request, `IdempotencyConflict`, `ServerBusy`, and what the storage raises.
        """
        digest = self._checked(kind, [wish], terms)
        return self._once(Job, terms, digest, lambda: self._stored(kind, [wish], terms, digest, batch=None)[0])

    def batch(self, kind: Kind, wishes: Sequence[Wish], terms: Terms) -> tuple[Batch, bool]:
        """Queue many jobs at once, all or none; likewise (batch, True or False)."""
        if not 1 <= len(wishes) <= self.settings.max_batch_files:
            raise InvalidRequest(
                f"the batch has {len(wishes)} inputs; 1 to {self.settings.max_batch_files} can be sent", param="inputs"
            )
        digest = self._checked(kind, wishes, terms)
        row = Batch(
            id=new_job_id().replace("job_", "batch_"),
            kind=kind,
            caller=self.caller,
            total=len(wishes),
            idempotency_key=terms.idempotency_key,
            request_digest=digest,
            created_at=datetime.now(UTC),
        )

        def make() -> Batch:
            self._stored(kind, wishes, terms, None, batch=row)
            return row

        return self._once(Batch, terms, digest, make)

    def _checked(self, kind: Kind, wishes: Sequence[Wish], terms: Terms) -> str | None:
        terms.check(self.settings)
        for wish in wishes:
            if kind == "transcription":
                _check_upload(wish.upload)
        return _digest(kind, wishes, terms) if terms.idempotency_key is not None else None

    def _once(self, table: type[R], terms: Terms, digest: str | None, make: Callable[[], R]) -> tuple[R, bool]:
        """(the row that the idempotency key stands for, False), or (what `make` writes, True) for a new one."""
        earlier = self._earlier(table, terms, digest)
        if earlier is not None:
            return earlier, False
        try:
            return make(), True
        except IntegrityError:  # the same key at the same time
            earlier = self._earlier(table, terms, digest)
            if earlier is None:
                raise
            return earlier, False

    def _earlier(self, table: type[R], terms: Terms, digest: str | None) -> R | None:
        if terms.idempotency_key is None:
            return None
        wanted = (table.caller == self.caller, table.idempotency_key == terms.idempotency_key)
        with db.session(self.settings) as session:
            row = session.scalar(select(table).where(*wanted))
        if row is not None and row.request_digest != digest:
            raise IdempotencyConflict(
                f"Idempotency-Key {terms.idempotency_key!r} was sent before with another request; take a new key",
                param="Idempotency-Key",
            )
        return row

    def _planned(self, kind: Kind, wishes: Sequence[Wish]) -> list[_Planned]:
        """Every wish with its task; raises what is wrong with the first that is wrong."""
        waiting = rows.count_waiting(self.settings)
        if waiting + len(wishes) > self.settings.max_queued_jobs:
            raise ServerBusy(f"{waiting} jobs wait already; try again later", retry_after=60)
        first = time.time_ns() // 1000
        planned = []
        for number, wish in enumerate(wishes):
            task = task_of(kind, wish.request, self.engines, self.settings)
            planned.append(_Planned(wish, task, new_job_id(first + number)))
        return planned

    def _stored(
        self, kind: Kind, wishes: Sequence[Wish], terms: Terms, digest: str | None, batch: Batch | None
    ) -> list[Job]:
        """Store the uploads, then write the rows; where that fails, nothing stays."""
        planned = self._planned(kind, wishes)
        store = blobs.store(self.settings)
        try:
            for item in planned:
                if item.wish.upload is not None:
                    item.blob = _blob_name(item.wish.upload.name)
                    item.size = store.write(item.job_id, item.blob, item.wish.upload.file)
            jobs = [self._row(kind, item, terms, digest, batch) for item in planned]
            with db.session(self.settings) as session:
                session.add_all([*jobs, *([batch] if batch else [])])
        except BaseException:
            for item in planned:
                if item.blob:
                    store.remove(item.job_id)
            raise
        return jobs

    def _row(self, kind: Kind, item: _Planned, terms: Terms, digest: str | None, batch: Batch | None) -> Job:
        task, now = item.task, datetime.now(UTC)
        keep_text = self.settings.keep_text
        gpu = any(name in self.settings.gpu_engines for name in task.engines_used)
        return Job(
            id=item.job_id,
            kind=kind,
            status="queued",
            caller=self.caller,
            queue="gpu" if gpu else "cpu",
            priority=terms.priority,
            max_attempts=terms.max_attempts or self.settings.job_attempts,
            run_at=now,
            created_at=now,
            # The worker needs all of it; what may not be kept goes when the job has ended.
            request=kept(item.wish.request, keep_text=True),
            parameters=kept(task.parameters, keep_text=keep_text),
            input_text=storable(task.text) if task.text is not None and keep_text else None,
            input_name=file_name(item.wish.upload.name) if item.wish.upload else None,
            input_blob=item.blob,
            input_size=item.size,
            input_held=item.blob is not None,
            labels=outcome.labels_of(kind, task.parameters, None),
            batch_id=batch.id if batch else None,
            replay_of=terms.replay_of,
            webhook=terms.webhook,
            idempotency_key=None if batch else terms.idempotency_key,
            request_digest=digest,
            **outcome.model_of(task.engine),
        )


def _check_upload(upload: Upload | None) -> None:
    if upload is None:
        raise InvalidRequest("a transcription needs a file in the field `file`", param="file")
    upload.file.seek(0)
    if not upload.file.read(1):
        raise InvalidAudio(f"the file {upload.name or ''!r} is empty", param="file")


def _blob_name(name: str | None) -> str:
    ending = (name or "").rpartition(".")[2].lower()
    return f"input.{ending}" if FORMAT.fullmatch(ending) else "input"


def _digest(kind: Kind, wishes: Sequence[Wish], terms: Terms) -> str:
    """What tells one request from another: its fields, terms and files."""
    digest = hashlib.sha256()
    told = [kind, terms.priority, terms.webhook, terms.max_attempts, [dict(wish.request) for wish in wishes]]
    digest.update(json.dumps(told, sort_keys=True).encode())
    for upload in (wish.upload for wish in wishes if wish.upload):
        upload.file.seek(0)
        digest.update(f"\n{upload.name}\n".encode("utf-8", "replace"))
        while block := upload.file.read(_BLOCK_BYTES):
            digest.update(hashlib.sha256(block).digest())
    return digest.hexdigest()
