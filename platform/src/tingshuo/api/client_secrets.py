"""POST /v1/realtime/client_secrets: a secret for a browser page that is to open a realtime session."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo import client_secrets
from tingshuo.api.access import needs
from tingshuo.api.services import CallerOf, ServicesOf

router = APIRouter(route_class=needs("transcribe"), tags=["realtime"])


@router.post("/v1/realtime/client_secrets")
async def create_client_secret(services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """A secret that opens realtime sessions for a minute, in place of the key."""
    value, expires = client_secrets.issue(services.settings, caller)
    return {"value": value, "expires_at": int(expires.timestamp())}
