"""Health: whether the process lives (/healthz), and whether it can work (/readyz). Neither asks for a key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text

from tingshuo import db
from tingshuo.api.services import Services, ServicesOf
from tingshuo.engines import EngineStatus
from tingshuo.errors import StorageFailed

router = APIRouter(tags=["health"])


@router.get("/health")
@router.get("/healthz")
async def live() -> dict[str, str]:
    """The process lives and its event loop turns."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(services: ServicesOf) -> JSONResponse:
    """503 where the database does not answer or no engine can work; which model every engine uses."""
    state = await services.look(_state, services)
    return JSONResponse(state, 200 if state["status"] == "ready" else 503)


def _state(services: Services) -> dict[str, Any]:
    database = _database(services)
    engines = services.engines.status()
    usable = any(row.state != "unavailable" for row in engines)
    return {
        "status": "ready" if database == "ok" and usable else "not_ready",
        "database": database,
        "engines": [_engine(row) for row in engines],
        "warnings": [
            f"{row.name} runs on its small starter model, not the official one; see: tingshuo models list"
            for row in engines
            if row.model and row.model.origin == "starter"
        ],
    }


def _database(services: Services) -> str:
    try:
        with db.session(services.settings) as session:
            session.execute(text("SELECT 1"))
    except StorageFailed as error:
        return error.message
    return "ok"


def _engine(row: EngineStatus) -> dict[str, Any]:
    # Why an engine cannot work may name folders: that is told under /v1/engines, to those with a key.
    model = {"name": row.model.name, "origin": row.model.origin} if row.model else None
    return {"name": row.name, "kind": row.engine.kind if row.engine else None, "state": row.state, "model": model}
