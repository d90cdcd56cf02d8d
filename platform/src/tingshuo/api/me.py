"""GET /v1/me: what the caller's own key is and may do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo import auth
from tingshuo.api.access import needs
from tingshuo.api.keys import key_document
from tingshuo.api.services import CallerOf, ServicesOf

router = APIRouter(route_class=needs(), tags=["keys"])


@router.get("/v1/me")
async def get_me(services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """The key that this request was sent with."""
    row = await services.look(auth.get_key, services.settings, caller.id)
    return key_document(row)
