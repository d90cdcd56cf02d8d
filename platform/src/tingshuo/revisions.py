"""The corrections of a transcript as the database keeps them: numbered revisions beside the row of the job."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tingshuo import db
from tingshuo.corrections import Line, changed, in_order, lines_heard
from tingshuo.db import Job, TranscriptRevision
from tingshuo.errors import Conflict, NotFound, RevisionConflict
from tingshuo.settings import Settings

#: Revisions of one transcript that are kept; the oldest one goes for the next. What was heard stays in any case.
MOST_REVISIONS = 200


def transcript_result(job: Job) -> dict[str, Any]:
    """What a transcription heard. Raises `Conflict` where there is none (yet), `NotFound` where there will be none."""
    if job.kind != "transcription":
        raise NotFound(f"job {job.id} is a {job.kind}; only a transcription has a transcript", param="id")
    if job.status != "succeeded" or job.result is None:
        why = f": {job.error_message}" if job.error_message else ""
        raise Conflict(f"job {job.id} is {job.status} and has no transcript{why}", param="id")
    if job.result.get("text") is None:
        raise NotFound(f"the text of job {job.id} was not kept; see TINGSHUO_KEEP_TEXT", param="id")
    return job.result


def lines_of(job: Job, revision: TranscriptRevision | None) -> tuple[Line, ...]:
    """The lines of a revision; those that were heard, in their own order, where it changes nothing or is None."""
    if revision is None or not revision.changed:
        return lines_heard(transcript_result(job))
    return tuple(Line(**line) for line in revision.segments)


def current(settings: Settings, job_id: str) -> TranscriptRevision | None:
    """The newest revision; None where the transcript is as it was heard from the beginning."""
    with db.session(settings) as session:
        return _newest(session, job_id)


def numbered(settings: Settings, job_id: str, number: int) -> TranscriptRevision | None:
    """The revision with that number, None for 0. Raises `NotFound` that tells which there are."""
    if number == 0:
        return None
    with db.session(settings) as session:
        of_job = TranscriptRevision.job_id == job_id
        # Numbers that no database takes need no look.
        if 0 < number < 2**31 and (found := session.get(TranscriptRevision, (job_id, number))):
            return found
        query = select(func.min(TranscriptRevision.revision), func.max(TranscriptRevision.revision)).where(of_job)
        first, last = session.execute(query).one()
    there = f"0 (as heard) and {first} to {last}" if first else "0 (as heard) alone"
    raise NotFound(f"the transcript of job {job_id} has no revision {number}; there is {there}", param="revision")


def of_job(settings: Settings, job_id: str) -> Sequence[TranscriptRevision]:
    """All revisions that are kept, the newest first."""
    query = select(TranscriptRevision).where(TranscriptRevision.job_id == job_id)
    with db.session(settings) as session:
        return session.scalars(query.order_by(TranscriptRevision.revision.desc())).all()


def corrected_among(settings: Settings, job_ids: Collection[str]) -> set[str]:
    """Those of the jobs whose transcript is not as it was heard; one query for all of them."""
    if not job_ids:
        return set()
    newest = (
        select(TranscriptRevision.job_id, func.max(TranscriptRevision.revision).label("revision"))
        .where(TranscriptRevision.job_id.in_(job_ids))
        .group_by(TranscriptRevision.job_id)
        .subquery()
    )
    together = (TranscriptRevision.job_id == newest.c.job_id) & (TranscriptRevision.revision == newest.c.revision)
    query = select(TranscriptRevision.job_id).join(newest, together).where(TranscriptRevision.changed > 0)
    with db.session(settings) as session:
        return set(session.scalars(query))


def revise(
    settings: Settings, job: Job, lines: Sequence[Line], *, caller: str, expected: Collection[str] | None = None
) -> TranscriptRevision | None:
    """Make `lines` the transcript of the job: a new revision, or the current one where that says the same.

    expected: names of revisions of which the current one must be one; None asks for none. Raises
    `RevisionConflict` for another one, `NotFound` for a job that was deleted meanwhile, and `Conflict` where no
    texts are kept.
    """
    heard = transcript_result(job)
    if not settings.keep_text:
        raise Conflict("this server keeps no texts, so none can be corrected; see TINGSHUO_KEEP_TEXT", param="id")
    lines = in_order(lines)
    with db.session(settings, writes=True) as session:
        # Two who save at once: one waits here for the other, and then sees what that one wrote.
        if session.scalar(select(Job.id).where(Job.id == job.id).with_for_update()) is None:
            raise NotFound(f"there is no job {job.id!r}", param="id")
        newest = _newest(session, job.id)
        number = newest.revision if newest else 0
        if expected is not None and str(number) not in expected:
            raise RevisionConflict(
                f"the transcript of job {job.id} is at revision {number}; get it again and correct that one",
                param="If-Match",
            )
        if lines == in_order(lines_of(job, newest)):
            return newest
        return _added(session, job, number + 1, lines, changed(heard, lines), caller)


def _added(
    session: Session, job: Job, number: int, lines: Sequence[Line], changes: int, caller: str
) -> TranscriptRevision:
    row = TranscriptRevision(
        job_id=job.id,
        revision=number,
        caller=caller,
        created_at=datetime.now(UTC),
        changed=changes,
        segments=[asdict(line) for line in lines],
    )
    session.add(row)
    too_old = TranscriptRevision.revision <= number - MOST_REVISIONS
    session.execute(delete(TranscriptRevision).where(TranscriptRevision.job_id == job.id, too_old))
    return row


def _newest(session: Session, job_id: str) -> TranscriptRevision | None:
    query = select(TranscriptRevision).where(TranscriptRevision.job_id == job_id)
    return session.scalar(query.order_by(TranscriptRevision.revision.desc()).limit(1))
