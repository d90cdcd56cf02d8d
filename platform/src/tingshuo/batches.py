"""Batches: jobs that were asked for together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from tingshuo import db
from tingshuo.db import Batch, Job
from tingshuo.errors import InvalidRequest, NotFound
from tingshuo.queues import rows
from tingshuo.settings import Settings

BATCH_ID = re.compile(r"batch_[0-9a-f]{30}")
MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a batch is: `counts` of its jobs by state, and what the running ones have done, in jobs."""

    counts: dict[str, int]
    under_way: float


def tally(settings: Settings, batch_id: str) -> Tally:
    """How many jobs of a batch are in which state; deleted ones are in none."""
    query = select(Job.status, func.count(), func.sum(Job.progress)).where(Job.batch_id == batch_id)
    with db.session(settings) as session:
        found = session.execute(query.group_by(Job.status)).all()
    return Tally({row[0]: row[1] for row in found}, sum(row[2] for row in found if row[0] == "running"))


def find(settings: Settings, batch_id: str, caller: str | None) -> Batch:
    """The batch with that id; `caller` None: anybody's. Raises `NotFound`."""
    with db.session(settings) as session:
        batch = session.scalar(_of(caller).where(Batch.id == batch_id)) if BATCH_ID.fullmatch(batch_id) else None
    if batch is None:
        raise NotFound(f"there is no batch {batch_id!r}", param="id")
    return batch


def page(settings: Settings, caller: str | None, after: str | None, limit: int) -> Sequence[Batch]:
    """At most `limit` batches, the newest first, those after the batch id `after`."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit is {limit}; it must lie between 1 and {MAX_PAGE}", param="limit")
    if after is not None and not BATCH_ID.fullmatch(after):
        raise InvalidRequest(f"after is {after!r}; give the id of a batch", param="after")
    query = _of(caller).order_by(Batch.id.desc()).limit(limit)
    with db.session(settings) as session:
        return session.scalars(query.where(Batch.id < after) if after else query).all()


def cancel(settings: Settings, batch_id: str) -> None:
    """Cancel every job of a batch that has not ended."""
    query = select(Job.id).where(Job.batch_id == batch_id, Job.status.in_(("queued", "running")))
    with db.session(settings) as session:
        jobs = session.scalars(query).all()
    for job_id in jobs:
        rows.cancel(settings, job_id)


def _of(caller: str | None) -> Select[Batch]:
    return select(Batch) if caller is None else select(Batch).where(Batch.caller == caller)
