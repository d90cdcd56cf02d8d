"""Health: whether the process lives (/healthz), and whether it can work (/readyz). Neither asks for a key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from tingshuo import readiness
from tingshuo.api.services import Services, ServicesOf
from tingshuo.drain import DRAIN
from tingshuo.engines import EngineStatus
from tingshuo.readiness import OK

router = APIRouter(tags=["health"])


@router.get("/health")
@router.get("/healthz")
async def live() -> dict[str, str]:
    """The process lives and its event loop turns."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(services: ServicesOf) -> JSONResponse:
    """Whether this process should get requests: 503 where it cannot work, or is about to end."""
    state = await services.look(_state, services)
    return JSONResponse(state, 200 if state["status"] == "ready" else 503)


def _state(services: Services) -> dict[str, Any]:
    engines = services.engines.status()
    usable = any(row.state != "unavailable" for row in engines)
    settings = services.settings
    parts = {"database": readiness.database(settings), "disk": readiness.disk(settings).told}
    works = usable and all(told == OK for told in parts.values())
    return {
        "status": "draining" if DRAIN.begun else "ready" if works else "not_ready",
        **parts,
        # Without the broker online requests are answered all the same, so this one does not count.
        "queue": readiness.queue(settings),
        "offline": settings.offline,
        "engines": [_engine(row) for row in engines],
        "warnings": [
            f"{row.name} runs on its small starter model, not the official one; see: tingshuo models list"
            for row in engines
            if row.model and row.model.origin == "starter"
        ],
    }


def _engine(row: EngineStatus) -> dict[str, Any]:
    # Why an engine cannot work may name folders: that is told under /v1/engines, to those with a key.
    model = {"name": row.model.name, "origin": row.model.origin} if row.model else None
    return {"name": row.name, "kind": row.engine.kind if row.engine else None, "state": row.state, "model": model}
