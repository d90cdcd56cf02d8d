"""/v1/system/retention: what is kept and for how long, what would go now, and the clean-up on demand. For admin keys.

The settings themselves come from the environment and cannot be changed here.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from tingshuo import audit
from tingshuo.api.access import needs
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.db import CleanUp
from tingshuo.queues import clean_up
from tingshuo.queues.maintenance import EXPIRY_PERIOD
from tingshuo.settings import Settings

router = APIRouter(route_class=needs("admin"), tags=["system"])

#: Jobs that one request removes at most, so that it ends in seconds; maintenance goes on with the others.
MOST = 2000


@router.get("/v1/system/retention")
async def get_retention(services: ServicesOf) -> dict[str, Any]:
    """What is kept, what a clean-up would remove now, and when it last ran."""
    return await services.look(_told, services.settings)


@router.post("/v1/system/retention/clean-up")
async def run_clean_up(services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Remove now what is not to be kept any longer, at most 2000 jobs; the server does so itself every few minutes."""
    removed = await services.look(clean_up.clean_up, services.settings, caller.id, MOST)
    audit.record("history.cleaned_up", caller.id, "history", **asdict(removed))
    return {**await services.look(_told, services.settings), "removed": asdict(removed)}


def _told(settings: Settings) -> dict[str, Any]:
    last = clean_up.last(settings)
    return {
        "object": "retention",
        "keep_days": settings.keep_days,
        "keep_text": settings.keep_text,
        "keep_audio": settings.keep_audio,
        "period_seconds": EXPIRY_PERIOD,
        "due": asdict(clean_up.due(settings)),
        "last_run": _last_run(last) if last else None,
    }


def _last_run(row: CleanUp) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("caller", "jobs", "audio", "bytes")}
    return {"ran_at": row.ran_at.isoformat(), **told}
