"""POST /v1/engines/{name}/load and /unload: bring a model into memory, or out of it, for admin keys."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo import audit
from tingshuo.api.access import needs
from tingshuo.api.models import engine_document
from tingshuo.api.services import CallerOf, Services, ServicesOf

router = APIRouter(route_class=needs("admin"), tags=["engines"])


@router.post("/v1/engines/{name}/load")
async def load_engine(name: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Load an engine's model now, so that the next request need not wait for it."""
    await services.work(services.engines.load, name)
    audit.record("engine.loaded", caller.id, name)
    return await services.look(_document, services, name)


@router.post("/v1/engines/{name}/unload")
async def unload_engine(name: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Free an engine's model once the calls that use it have ended; the next request loads it again."""
    await services.work(services.engines.unload, name)
    audit.record("engine.unloaded", caller.id, name)
    return await services.look(_document, services, name)


def _document(services: Services, name: str) -> dict[str, Any]:
    return next(engine_document(row) for row in services.engines.status() if row.name == name)
