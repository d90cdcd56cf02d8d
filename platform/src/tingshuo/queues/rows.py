"""A queued job's row: taken, kept, ended, given back. The row is the truth; a broker's message is a hint.

An attempt is (job, worker, number), and each of these is one statement that holds only for that attempt: whoever lost
a job to somebody else changes nothing any more, so a job has one result however often it was started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, select, true, update
from sqlalchemy.orm import Session

from tingshuo import calls, db, metrics
from tingshuo.db import Job
from tingshuo.leases import Leases
from tingshuo.outcome import closing
from tingshuo.queues.notices import announce
from tingshuo.settings import Settings

#: What work waits in. Jobs go to the first two.
QueueName: TypeAlias = Literal["cpu", "gpu", "webhook", "maintenance"]
JOB_QUEUES: tuple[QueueName, ...] = ("cpu", "gpu")

#: Columns of a row that nobody works on.
_FREE: Mapping[str, Any] = {"worker": None, "lease_until": None}
#: Columns of one that waits (again).
_WAITING: Mapping[str, Any] = {**_FREE, "status": "queued", "progress": 0.0, "published_at": None}


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job: what must still be true of its row for the attempt to end it."""

    job_id: str
    worker: str
    attempt: int

    @property
    def holds(self) -> tuple[Any, ...]:
        """The conditions, for a WHERE."""
        return (
            Job.id == self.job_id,
            Job.status == "running",
            Job.worker == self.worker,
            Job.attempts == self.attempt,
        )


def claim(settings: Settings, leases: Leases, queues: Sequence[str]) -> Job | None:
    """The waiting job of `queues` that is due next, now running here; the highest priority first, then the oldest."""
    with db.session(settings, writes=True) as session:
        now = db.now(session)
        due = (
            select(Job.id)
            .where(Job.status == "queued", Job.queue.in_(queues), Job.run_at <= now)
            # With a broker each attempt has its message: one done without would leave another row without.
            .where(Job.published_at.is_not(None) if settings.queue == "celery" else true())
            .order_by(Job.priority.desc(), Job.id)
            .limit(1)
            # SQLite has no such clause and needs none: it lets one writer in at a time.
            .with_for_update(skip_locked=True)
        )
        taken = {
            "status": "running",
            "worker": leases.worker,
            "attempts": Job.attempts + 1,
            "lease_until": leases.until(session),
            "started_at": func.coalesce(Job.started_at, now),
        }
        statement = update(Job).where(Job.id == due.scalar_subquery()).values(**taken).returning(Job)
        job = session.scalars(statement, execution_options={"synchronize_session": False}).one_or_none()
    if job is not None and job.run_at is not None:
        metrics.QUEUE_WAIT.labels(job.queue).observe((now - job.run_at).total_seconds())
    return job


def end(settings: Settings, attempt: Claim, values: Mapping[str, Any]) -> bool:
    """Close the row of a running job with `values`, and write the webhook that tells of it.

    False where the attempt lost the job: deleted, cancelled, or given to another worker. May be called again with the
    same values where the database went before it answered.
    """
    with db.session(settings, writes=True) as session:
        job = _changed(session, attempt.holds, {**values, **_FREE, "finished_at": db.now(session)})
        if job is None:
            return _ended_so(session, attempt, values)
        if job.kind == "transcription" and job.status == "succeeded":
            session.add(calls.in_brief(job))
        announce(session, job)
    metrics.job_ended(job)
    return True


def _ended_so(session: Session, attempt: Claim, values: Mapping[str, Any]) -> bool:
    """Whether the row says already that this attempt ended with `values`: they were committed, unbeknown to us."""
    job = session.get(Job, attempt.job_id)
    told = ("status", "error_code", "audio_name")
    return (
        job is not None
        and job.attempts == attempt.attempt
        and all(getattr(job, name) == values.get(name) for name in told)
    )


def wait_again(settings: Settings, attempt: Claim, seconds: float, values: Mapping[str, Any]) -> bool:
    """Let a running job wait at least `seconds` for its next attempt; `values` say why. False where it was lost."""
    with db.session(settings, writes=True) as session:
        due = db.now(session) + timedelta(seconds=seconds)
        return _changed(session, attempt.holds, {**values, **_WAITING, "run_at": due}) is not None


def give_back(settings: Settings, attempt: Claim, seconds: float = 0.0) -> bool:
    """Let a running job wait again as if this attempt had not begun. False where it was lost."""
    with db.session(settings, writes=True) as session:
        due = db.now(session) + timedelta(seconds=seconds)
        values = {**_WAITING, "attempts": Job.attempts - 1, "run_at": due}
        return _changed(session, attempt.holds, values) is not None


def note_progress(settings: Settings, attempt: Claim, fraction: float) -> None:
    """Say how far a running job is, from 0 to 1."""
    with db.session(settings) as session:
        session.execute(update(Job).where(*attempt.holds).values(progress=fraction))


def cancel(settings: Settings, job_id: str) -> None:
    """End a waiting job as cancelled; ask for the end of a running one. Nothing happens to one that has ended."""
    with db.session(settings, writes=True) as session:
        ended = {"status": "cancelled", "finished_at": db.now(session), "cancel_requested": True, **_FREE}
        job = _changed(session, (Job.id == job_id, Job.status == "queued"), ended)
        if job is not None:
            job.request = closing(settings, job, keep_input=False)["request"]
            announce(session, job)
        else:
            running = (Job.id == job_id, Job.status == "running", Job.queue.is_not(None))
            session.execute(update(Job).where(*running).values(cancel_requested=True))


def expired(session: Session, now: datetime) -> Sequence[Job]:
    """The running jobs whose lease has run out; not those that somebody else is closing."""
    lost = (Job.lease_until < now) | Job.lease_until.is_(None)
    query = (
        select(Job)
        .where(Job.status == "running", lost)
        .order_by(Job.batch_id, Job.id)
        .limit(500)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).all()


def requeue(job: Job, now: datetime) -> None:
    """Let a job whose worker is lost wait again, at once."""
    for name, value in {**_WAITING, "run_at": now}.items():
        setattr(job, name, value)


def _changed(session: Session, where: tuple[Any, ...], values: Mapping[str, Any]) -> Job | None:
    statement = update(Job).where(*where).values(**values).returning(Job)
    return session.scalars(statement, execution_options={"synchronize_session": False}).one_or_none()


def count_waiting(settings: Settings) -> int:
    """How many jobs wait."""
    with db.session(settings) as session:
        return session.scalar(select(func.count()).where(Job.status == "queued")) or 0
