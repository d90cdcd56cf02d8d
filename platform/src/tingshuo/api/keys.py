"""/v1/keys: an admin key lists, makes and revokes keys. There is no way to change one: it is replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from tingshuo import audit, auth
from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.auth import ALL, SCOPES
from tingshuo.db import ApiKey

router = APIRouter(route_class=needs("admin"), tags=["keys"])


class KeyBody(Body):
    """What the key is called and may do."""

    name: str = Field(description="Unique among the keys in force.")
    scopes: list[str] = Field(max_length=20, description=f"Some of {', '.join(SCOPES)}, or {ALL}.")
    expires_days: int | None = Field(None, ge=1, le=36_500, description="Days until it expires; null: never.")


@router.get("/v1/keys")
async def list_keys(services: ServicesOf) -> dict[str, Any]:
    """Every key, revoked ones too, the oldest first."""
    rows = await services.look(auth.list_keys, services.settings)
    return {"object": "list", "data": [key_document(row) for row in rows], "has_more": False}


@router.post("/v1/keys", status_code=201)
async def create_key(body: KeyBody, services: ServicesOf, caller: CallerOf) -> JSONResponse:
    """A new key. Its token is in this reply and nowhere else."""
    row, token = await services.look(_created, services, body)
    audit.record("key.created", caller.id, row.id, name=row.name, scopes=row.scopes)
    return JSONResponse({**key_document(row), "token": token}, 201, {"Cache-Control": "no-store"})


@router.delete("/v1/keys/{key_id}")
async def revoke_key(key_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Make a key worthless from now on; 409 for the only admin key that is good."""
    row = await services.look(auth.revoke_key, services.settings, key_id, spare_last_admin=True)
    audit.record("key.revoked", caller.id, row.id, name=row.name)
    return key_document(row)


def _created(services: Services, body: KeyBody) -> tuple[ApiKey, str]:
    days = body.expires_days
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    return auth.create_key(services.settings, body.name, body.scopes, expires)


def key_document(row: ApiKey) -> dict[str, Any]:
    """A key without what would open anything."""
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    return {
        "object": "key",
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "scopes": row.scopes,
        **{name: time.isoformat() if (time := getattr(row, name)) else None for name in times},
    }
