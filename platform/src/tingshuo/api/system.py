"""GET /v1/system: what an operator wants to see of a server, for admin keys."""

from __future__ import annotations

import os
import platform
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select

import tingshuo
from tingshuo import db, readiness
from tingshuo.api.access import needs
from tingshuo.api.services import Services, ServicesOf
from tingshuo.db import Job
from tingshuo.errors import StorageFailed
from tingshuo.machine import resident_bytes
from tingshuo.settings import Settings

router = APIRouter(route_class=needs("admin"), tags=["system"])

_START = time.monotonic()


@router.get("/v1/system")
async def get_system(services: ServicesOf) -> dict[str, Any]:
    """Version, uptime, database, jobs, disk, and the settings that say what is kept."""
    return await services.look(_system, services)


def _system(services: Services) -> dict[str, Any]:
    settings = services.settings
    uptime = time.monotonic() - _START
    disk = readiness.disk(settings)
    return {
        "object": "system",
        "version": tingshuo.__version__,
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "started_at": (datetime.now(UTC) - timedelta(seconds=uptime)).isoformat(timespec="seconds"),
        "uptime_seconds": round(uptime, 1),
        "database": {
            "kind": db.connect(settings).dialect.name,
            "status": readiness.database(settings),
        },
        "queue": {"kind": settings.queue, "status": readiness.queue(settings)},
        "jobs": _jobs(services),
        "disk": {"free_bytes": disk.free, "total_bytes": disk.total, "min_free_bytes": disk.needed},
        "memory": {"resident_bytes": resident_bytes(os.getpid())},
        "settings": _told(settings),
        "offline": settings.offline,
    }


def _jobs(services: Services) -> dict[str, int] | None:
    """How many jobs of each status there are; None where the database does not answer."""
    try:
        with db.session(services.settings) as session:
            rows = session.execute(select(Job.status, func.count()).group_by(Job.status)).all()
    except StorageFailed:
        return None
    return {row.status: row[1] for row in rows}


def _told(settings: Settings) -> dict[str, Any]:
    """The settings that say what is kept, who may come in, and how much is taken. No secret, no path."""
    names = (
        *("keep_text", "keep_audio", "keep_days", "public_lists", "preload", "engine_queue", "log_format", "tracing"),
        *("max_upload_bytes", "max_audio_seconds", "max_text_characters"),
    )
    told = {name: getattr(settings, name) for name in names}
    addresses = ("allowed_ips", "trusted_proxies", "metrics_ips")
    return {**told, **{name: [str(network) for network in getattr(settings, name)] for name in addresses}}
