"""What was used, summed up over the job history by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Float, case, cast, func, select

from tingshuo import db
from tingshuo.db import ApiKey, Job
from tingshuo.settings import Settings

By: TypeAlias = Literal["key", "day"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one caller used, in all or on one day (UTC, `YYYY-MM-DD`). Times in seconds.

    A round trip speaks and hears: its audio counts on both sides.
    """

    caller: str
    name: str | None
    day: str | None
    jobs: int
    failed: int
    audio_seconds_in: float
    audio_seconds_out: float
    characters: int
    processing_seconds: float


def usage(
    settings: Settings,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By = "key",
    caller: str | None = None,
) -> list[Usage]:
    """Sums per caller, or per day and caller, over the jobs made from `since` on and before `until`.

    `caller` None means everybody. Deleted jobs are not counted: their rows are gone.
    """
    with db.session(settings) as session:
        # `group_by` takes the bare column: a label would be looked up differently on the two databases.
        day = _day(session.get_bind().dialect.name)
        keys: list[Any] = [Job.caller, ApiKey.name, *([day] if by == "day" else [])]
        query = select(*keys, *_sums()).join(ApiKey, ApiKey.id == Job.caller, isouter=True)
        query = query.where(Job.created_at >= since) if since is not None else query
        query = query.where(Job.created_at < until) if until is not None else query
        query = query.where(Job.caller == caller) if caller is not None else query
        order = [day, Job.caller] if by == "day" else [Job.caller]
        rows = session.execute(query.group_by(*keys).order_by(*order)).all()
    return [_usage(tuple(row), by) for row in rows]


def _usage(row: tuple[Any, ...], by: By) -> Usage:
    caller, name, *rest = row
    day = str(rest.pop(0)) if by == "day" else None
    jobs, failed, taken, given, characters, seconds = rest
    return Usage(caller, name, day, jobs, failed, round(taken, 3), round(given, 3), int(characters), round(seconds, 3))


def _sums() -> list[ColumnElement[Any]]:
    seconds = func.coalesce(Job.audio_seconds, 0.0)
    return [
        func.count(),
        func.sum(case((Job.status == "failed", 1), else_=0)),
        func.sum(case((Job.kind != "speech", seconds), else_=0.0)),
        func.sum(case((Job.kind != "transcription", seconds), else_=0.0)),
        func.coalesce(func.sum(Job.characters), 0),
        cast(func.coalesce(func.sum(Job.processing_seconds), 0.0), Float),
    ]


def _day(dialect: str) -> ColumnElement[Any]:
    # SQLite keeps times as UTC texts; PostgreSQL would cut at midnight of the session's own zone.
    return func.date(Job.created_at) if dialect == "sqlite" else func.date(func.timezone("UTC", Job.created_at))
