"""Transcribed recordings as quality assurance looks at them: the worst mood first, and trends by day and by caller."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from tingshuo import db
from tingshuo.db import ApiKey, Call, Job
from tingshuo.errors import InvalidRequest
from tingshuo.retention import storable
from tingshuo.settings import Settings

Order: TypeAlias = Literal["worst", "newest"]
By: TypeAlias = Literal["day", "caller"]

#: Moods that somebody should hear about.
BAD = ("angry", "disgusted", "fearful", "sad")
#: Rows in one page, and days or callers in one trend, at most.
MAX_PAGE, MAX_TREND = 200, 1000
#: Where a page ended: the share of bad mood and the id of its last call.
_CURSOR = re.compile(r"(\d(?:\.\d+)?(?:e-\d+)?):(job_[0-9a-f]{30})")


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Every part that is given must hold. `q` is in the text or the file name; `caller` None means everybody."""

    emotion: str | None = None
    event: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    caller: str | None = None

    def narrowed(self, query: Select[Any]) -> Select[Any]:
        """`query` over calls with the conditions."""
        query = query.where(Call.caller == self.caller) if self.caller is not None else query
        for name, label in (("emotion", self.emotion), ("event", self.event)):
            wanted = f";{name}={storable(label)};" if label else ""
            query = query.where(Call.labels.contains(wanted, autoescape=True)) if wanted else query
        if self.q:
            text = storable(self.q)
            said = or_(*(column.icontains(text, autoescape=True) for column in (Job.output_text, Job.input_name)))
            query = query.where(Call.job_id.in_(select(Job.id).where(said)))
        query = query.where(Call.created_at >= self.since) if self.since else query
        return query.where(Call.created_at < self.until) if self.until else query


@dataclass(frozen=True, slots=True)
class Listed:
    """A call, the name of its file, and the name of the key that sent it."""

    call: Call
    input_name: str | None
    caller_name: str | None

    @property
    def cursor(self) -> str:
        """What a page that ended with it is continued by."""
        return f"{self.call.bad_mood!r}:{self.call.job_id}"


@dataclass(frozen=True, slots=True)
class Trend:
    """The calls of one day (UTC, `YYYY-MM-DD`) or of one caller. `bad_mood` is the mean of theirs."""

    day: str | None
    caller: str | None
    name: str | None
    calls: int
    bad_mood: float
    audio_seconds: float


def in_brief(job: Job) -> Call:
    """The row of calls for a transcription that has succeeded."""
    emotions, events = mood_of(job.result or {})
    return Call(
        job_id=job.id,
        caller=job.caller,
        created_at=job.created_at,
        audio_seconds=job.audio_seconds or 0.0,
        bad_mood=bad_share(emotions),
        labels=job.labels,
        emotions=emotions,
        events=events,
    )


def mood_of(result: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds of speech by emotion and sounds counted, of a stored result."""
    emotions: defaultdict[str, float] = defaultdict(float)
    segments = result.get("segments") or []
    for segment in segments:
        if segment.get("emotion"):
            emotions[segment["emotion"]["label"]] += segment.get("end", 0.0) - segment.get("start", 0.0)
    events = Counter(event["label"] for segment in segments for event in segment.get("events") or ())
    return {label: round(seconds, 3) for label, seconds in emotions.items()}, dict(events)


def bad_share(emotions: Mapping[str, float]) -> float:
    """The share of bad mood among the seconds whose mood was told, 0 to 1; 0.0 where none was."""
    told = sum(seconds for label, seconds in emotions.items() if label != "unknown")
    return sum(emotions.get(label, 0.0) for label in BAD) / told if told else 0.0


def page(
    settings: Settings, wanted: CallFilter, *, order: Order = "worst", after: str | None = None, limit: int = 50
) -> Sequence[Listed]:
    """At most `limit` calls in that order, those after the cursor `after`. Raises `InvalidRequest`."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit is {limit}; it must lie between 1 and {MAX_PAGE}", param="limit")
    query: Any = select(Call, Job.input_name, ApiKey.name).join(Job, Job.id == Call.job_id)
    query = wanted.narrowed(query.join(ApiKey, ApiKey.id == Call.caller, isouter=True))
    if after is not None:
        query = query.where(_beyond(after, order))
    sorted_by = [Call.bad_mood.desc(), Call.job_id.desc()] if order == "worst" else [Call.job_id.desc()]
    with db.session(settings) as session:
        return [Listed(*row) for row in session.execute(query.order_by(*sorted_by).limit(limit))]


def _beyond(after: str, order: Order) -> ColumnElement[bool]:
    found = _CURSOR.fullmatch(after)
    if found is None:
        raise InvalidRequest(f"after is {after[:80]!r}; give the `next` of the page before", param="after")
    share, job_id = float(found[1]), found[2]
    if order == "newest":
        return Call.job_id < job_id
    return or_(Call.bad_mood < share, and_(Call.bad_mood == share, Call.job_id < job_id))


def trends(settings: Settings, wanted: CallFilter, by: By) -> list[Trend]:
    """The calls that match summed up: by day, the newest first, or by caller, the worst mood first."""
    mean, sums = func.avg(Call.bad_mood), (func.count(), func.avg(Call.bad_mood), func.sum(Call.audio_seconds))
    with db.session(settings) as session:
        if by == "day":
            day = _day(session.get_bind().dialect.name)
            query = wanted.narrowed(select(day, *sums)).group_by(day).order_by(day.desc())
        else:
            query = select(Call.caller, ApiKey.name, *sums).join(ApiKey, ApiKey.id == Call.caller, isouter=True)
            query = wanted.narrowed(query).group_by(Call.caller, ApiKey.name).order_by(mean.desc(), Call.caller)
        return [_trend(row, by) for row in session.execute(query.limit(MAX_TREND))]


def _trend(row: Row[Any], by: By) -> Trend:
    *who, number, bad, seconds = tuple(row)
    sums = (number, round(float(bad), 6), round(float(seconds), 3))
    return Trend(str(who[0]), None, None, *sums) if by == "day" else Trend(None, who[0], who[1], *sums)


def _day(dialect: str) -> ColumnElement[Any]:
    # SQLite keeps times as UTC texts; PostgreSQL would cut at midnight of the session's own zone.
    return func.date(Call.created_at) if dialect == "sqlite" else func.date(func.timezone("UTC", Call.created_at))
