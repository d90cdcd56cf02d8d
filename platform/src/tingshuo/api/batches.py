"""GET /v1/batches and what is done with a batch."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo import batches
from tingshuo.api.access import needs
from tingshuo.api.job_documents import batch_document
from tingshuo.api.jobs import whose
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.db import Batch

router = APIRouter(route_class=needs("jobs"), tags=["jobs"])


@router.get("/v1/batches")
async def list_batches(
    services: ServicesOf, caller: CallerOf, after: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """Batches, the newest first."""
    found = await services.look(batches.page, services.settings, whose(caller), after, limit)
    return {
        "object": "list",
        "data": [await _told(services, batch) for batch in found],
        "first_id": found[0].id if found else None,
        "last_id": found[-1].id if found else None,
        "has_more": len(found) == limit,
    }


@router.get("/v1/batches/{batch_id}")
async def get_batch(batch_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """A batch and how far its jobs are; these are listed by GET /v1/jobs?batch=…."""
    return await _told(services, await services.look(batches.find, services.settings, batch_id, whose(caller)))


@router.post("/v1/batches/{batch_id}/cancel")
async def cancel_batch(batch_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Cancel the jobs of a batch that have not ended."""
    batch = await services.look(batches.find, services.settings, batch_id, whose(caller))
    await services.look(batches.cancel, services.settings, batch_id)
    services.history.leases.look()
    return await _told(services, batch)


async def _told(services: Services, batch: Batch) -> dict[str, Any]:
    return batch_document(batch, await services.look(batches.tally, services.settings, batch.id))
