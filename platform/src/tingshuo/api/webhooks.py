"""GET /v1/webhooks/deliveries: what was sent, and what was not."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo import webhooks
from tingshuo.api.access import needs
from tingshuo.api.job_documents import delivery_document
from tingshuo.api.jobs import whose
from tingshuo.api.services import CallerOf, ServicesOf

router = APIRouter(route_class=needs("jobs"), tags=["jobs"])


@router.get("/v1/webhooks/deliveries")
async def list_deliveries(
    services: ServicesOf, caller: CallerOf, job: str | None = None, after: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """Webhook deliveries, the newest first; of one job with `job`."""
    found = await services.look(webhooks.page, services.settings, whose(caller), job, after, limit)
    return {
        "object": "list",
        "data": [delivery_document(delivery) for delivery in found],
        "first_id": found[0].id if found else None,
        "last_id": found[-1].id if found else None,
        "has_more": len(found) == limit,
    }
