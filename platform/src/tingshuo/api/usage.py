"""GET /v1/usage: jobs, seconds and characters per key or per day. A key sees its own, an admin key everybody's."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter

from tingshuo.api.access import needs
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.usage import By, Usage, usage

router = APIRouter(route_class=needs(), tags=["usage"])


@router.get("/v1/usage")
async def get_usage(
    services: ServicesOf,
    caller: CallerOf,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By = "key",
) -> dict[str, Any]:
    """Sums over the history from `since` on and before `until` (ISO 8601; without a zone: UTC)."""
    whose = None if caller.is_admin else caller.id
    rows = await services.look(usage, services.settings, since=_aware(since), until=_aware(until), by=by, caller=whose)
    return {"object": "list", "data": [_document(row) for row in rows], "has_more": False}


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _document(row: Usage) -> dict[str, Any]:
    document = asdict(row)
    if row.day is None:
        del document["day"]
    return document
