"""Which jobs of the history are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_

from tingshuo.db import Job, Kind, Status
from tingshuo.retention import storable


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Every part that is given must hold. `emotion` and `event` were heard or spoken; `q` is text in or out."""

    kind: Kind | None = None
    status: Status | None = None
    batch: str | None = None
    engine: str | None = None
    emotion: str | None = None
    event: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def narrowed(self, query: Select[Job]) -> Select[Job]:
        """`query` with the conditions."""
        equal = (
            (Job.kind, self.kind),
            (Job.status, self.status),
            (Job.batch_id, self.batch),
            (Job.engine, self.engine),
        )
        for column, value in equal:
            query = query.where(column == value) if value else query
        for name, label in (("emotion", self.emotion), ("event", self.event)):
            query = query.where(Job.labels.contains(f";{name}={storable(label)};", autoescape=True)) if label else query
        if self.q:
            text = storable(self.q)
            columns = (Job.input_text, Job.output_text, Job.input_name)
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
        query = query.where(Job.created_at >= self.since) if self.since else query
        return query.where(Job.created_at < self.until) if self.until else query
