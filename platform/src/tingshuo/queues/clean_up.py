"""Removing what is not to be kept any longer: what would go now, the removal itself, and when it last was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, false, func, not_, or_, select, true, update
from sqlalchemy.orm import Session

from tingshuo import blobs, db
from tingshuo.db import ENDED, Batch, CleanUp, Delivery, Job
from tingshuo.settings import Settings

#: Rows that go in one transaction: other writers get their turn between two of them.
_CHUNK = 200
#: The name of the row that tells of the last time, and who it tells of when nobody asked.
NAME, NOBODY = "retention", "maintenance"


@dataclass(frozen=True, slots=True)
class Removal:
    """What went or is to go: whole jobs, audio of others whose link has expired, and the bytes of both."""

    jobs: int
    audio: int
    bytes: int


def due(settings: Settings) -> Removal:
    """What a clean-up would remove now."""
    old = _too_old(settings)
    kept = or_(Job.finished_at.is_(None), not_(and_(*old)))
    with db.session(settings) as session:
        jobs, job_bytes = _sums(session, *old)
        audio, audio_bytes = _sums(session, Job.audio_expires_at <= datetime.now(UTC), kept)
    return Removal(jobs, audio, job_bytes + audio_bytes)


def clean_up(settings: Settings, caller: str = NOBODY, most: int | None = None) -> Removal:
    """Remove what is not to be kept any longer, at most `most` jobs, the oldest first, and note that it was done."""
    audio, audio_bytes = _expire(settings)
    jobs, job_bytes = _remove(settings, most)
    removed = Removal(jobs, audio, audio_bytes + job_bytes)
    row = CleanUp(name=NAME, caller=caller, ran_at=datetime.now(UTC), jobs=jobs, audio=audio, bytes=removed.bytes)
    with db.session(settings, writes=True) as session:
        session.merge(row)
    return removed


def last(settings: Settings) -> CleanUp | None:
    """When things were last cleaned up; None where they never were."""
    with db.session(settings) as session:
        return session.get(CleanUp, NAME)


def expire_audio(settings: Settings) -> int:
    """Remove the audio that was kept for a link alone and whose link has expired; how many there were."""
    return _expire(settings)[0]


def remove_old(settings: Settings) -> int:
    """Remove the jobs that ended more than TINGSHUO_KEEP_DAYS ago, with all that is kept for them; how many."""
    return _remove(settings, None)[0]


def _bytes() -> ColumnElement[int]:
    """What is stored for a job. An upload that is kept is counted as the job's audio."""
    held = case((Job.input_held, func.coalesce(Job.input_size, 0)), else_=0)
    return func.coalesce(Job.audio_size, 0) + held


def _too_old(settings: Settings) -> tuple[ColumnElement[bool], ...]:
    before = datetime.now(UTC) - timedelta(days=settings.keep_days)
    return (Job.status.in_(ENDED), Job.finished_at < before, true() if settings.keep_days else false())


def _sums(session: Session, *conditions: ColumnElement[bool]) -> tuple[int, int]:
    """How many jobs fulfil the conditions, and the bytes stored for them."""
    query = select(func.count(), func.coalesce(func.sum(_bytes()), 0)).select_from(Job).where(*conditions)
    number, size = session.execute(query).one()
    return number, int(size)


def _expire(settings: Settings) -> tuple[int, int]:
    query = select(Job.id, func.coalesce(Job.audio_size, 0)).where(Job.audio_expires_at <= datetime.now(UTC))
    with db.session(settings) as session:
        expired = session.execute(query).all()
    for job_id, _ in expired:
        blobs.store(settings).remove(job_id)
        with db.session(settings) as session:
            gone = {"audio_size": None, "audio_name": None, "audio_expires_at": None}
            session.execute(update(Job).where(Job.id == job_id).values(**gone))
    return len(expired), sum(size for _, size in expired)


def _remove(settings: Settings, most: int | None) -> tuple[int, int]:
    if not settings.keep_days:
        return 0, 0
    query = select(Job.id, _bytes()).where(*_too_old(settings)).order_by(Job.finished_at).limit(most)
    with db.session(settings) as session:
        old = session.execute(query).all()
    for start in range(0, len(old), _CHUNK):
        some = [job_id for job_id, _ in old[start : start + _CHUNK]]
        # Blobs first: what is left by a crash in between is a row that can be removed again, not a lost recording.
        for job_id in some:
            blobs.store(settings).remove(job_id)
        with db.session(settings) as session:
            session.execute(delete(Delivery).where(Delivery.job_id.in_(some)))
            session.execute(delete(Job).where(Job.id.in_(some)))
    _remove_empty_batches(settings)
    return len(old), sum(size for _, size in old)


def _remove_empty_batches(settings: Settings) -> None:
    before = datetime.now(UTC) - timedelta(days=settings.keep_days)
    left = select(Job.id).where(Job.batch_id == Batch.id)
    empty = select(Batch.id).where(Batch.created_at < before, ~left.exists())
    with db.session(settings) as session:
        session.execute(delete(Delivery).where(Delivery.job_id.in_(empty)))
        session.execute(delete(Batch).where(Batch.created_at < before, ~left.exists()))
