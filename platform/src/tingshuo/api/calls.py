"""GET /v1/calls: transcribed recordings by their mood, and the trends. A key sees its own, an admin key everybody's."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tingshuo import calls
from tingshuo.api.access import needs
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.auth import Caller
from tingshuo.calls import By, CallFilter, Listed, Order, Trend

router = APIRouter(route_class=needs("jobs"), tags=["jobs"])


class CallWish(BaseModel):
    """What narrows both lists. An unknown name in a query is an error: a filter must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    emotion: str | None = None
    event: str | None = None
    q: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    caller: str | None = None

    def filter(self, caller: Caller) -> CallFilter:
        """The conditions; only an admin sees what others sent."""
        names = ("emotion", "event", "q", "since", "until", "caller")
        wanted = CallFilter(**{name: getattr(self, name) for name in names})
        return wanted if caller.is_admin else replace(wanted, caller=caller.id)


class CallQuery(CallWish):
    """The query of GET /v1/calls."""

    order: Order = "worst"
    #: The `next` of the page before.
    after: str | None = None
    limit: int = 50


class TrendQuery(CallWish):
    """The query of GET /v1/calls/trends."""

    by: By = "day"


@router.get("/v1/calls")
async def list_calls(services: ServicesOf, caller: CallerOf, query: Annotated[CallQuery, Query()]) -> dict[str, Any]:
    """Transcribed recordings: the worst mood first, or the newest first."""
    wanted = query.filter(caller)
    rows = await services.look(
        calls.page, services.settings, wanted, order=query.order, after=query.after, limit=query.limit
    )
    # A full page may be the last one; the next page is empty then.
    more = len(rows) == query.limit
    return {
        "object": "list",
        "data": [call_document(row) for row in rows],
        "has_more": more,
        "next": rows[-1].cursor if more else None,
    }


@router.get("/v1/calls/trends")
async def list_trends(services: ServicesOf, caller: CallerOf, query: Annotated[TrendQuery, Query()]) -> dict[str, Any]:
    """Sums of the recordings by day (UTC), the newest first, or by caller, the worst mood first."""
    rows = await services.look(calls.trends, services.settings, query.filter(caller), query.by)
    return {"object": "list", "data": [trend_document(row) for row in rows], "has_more": False}


def call_document(row: Listed) -> dict[str, Any]:
    """A call, JSON-ready."""
    call = row.call
    return {
        "object": "call",
        "job_id": call.job_id,
        "caller": call.caller,
        "caller_name": row.caller_name,
        "input_name": row.input_name,
        "created_at": call.created_at.isoformat(),
        "audio_seconds": call.audio_seconds,
        "bad_mood": round(call.bad_mood, 6),
        "emotions": call.emotions,
        "events": call.events,
    }


def trend_document(row: Trend) -> dict[str, Any]:
    """A sum, JSON-ready: of a day or of a caller."""
    document = {"object": "call.trend", **asdict(row)}
    other = ("caller", "name") if row.day is not None else ("day",)
    return {name: value for name, value in document.items() if name not in other}
