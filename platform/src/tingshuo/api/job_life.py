"""A job on its way: its events, its result, its cancellation."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from tingshuo.api.access import needs
from tingshuo.api.job_documents import job_document
from tingshuo.api.job_results import render_result
from tingshuo.api.jobs import whose
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.db import ENDED, Job
from tingshuo.errors import Conflict, NotFound, StorageFailed
from tingshuo.queues import maintenance, rows

router = APIRouter(route_class=needs("jobs"), tags=["jobs"])

#: Seconds between two looks at the row, and between two signs of life to the client.
_LOOK_SECONDS, _SIGN_SECONDS = 0.4, 15.0


@router.post("/v1/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """End a queued job at once, a running one as soon as it heeds it; one that has ended stays as it is."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    if job.queue is None and job.status == "running":
        raise Conflict(f"job {job_id} was not queued; it ends when its request is closed", param="id")
    await services.look(rows.cancel, services.settings, job_id)
    services.history.leases.look()
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    if job.status == "cancelled" and job.input_held:
        await services.look(maintenance.remove_input, services.settings, job.id, job.input_blob)
    return job_document(job, full=True)


@router.get("/v1/jobs/{job_id}/events", response_class=StreamingResponse)
async def follow_job(job_id: str, request: Request, services: ServicesOf, caller: CallerOf) -> StreamingResponse:
    """Server-sent events: `event: job` with the job on every change, until it has ended."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_changes(services, job), media_type="text/event-stream", headers=headers)


async def _changes(services: Services, job: Job) -> AsyncIterator[str]:
    yield _event(job)
    told_at = time.monotonic()
    while job.status not in ENDED:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            now = await services.look(services.history.get, job.id)
        except NotFound:  # deleted
            return
        except StorageFailed:  # it may come back; the client sees that we are there
            now = job
        if _state(now) != _state(job):
            job, told_at = now, time.monotonic()
            yield _event(job)
        elif time.monotonic() - told_at > _SIGN_SECONDS:
            told_at = time.monotonic()
            yield ": still here\n\n"


def _state(job: Job) -> tuple[object, ...]:
    return job.status, job.progress, job.attempts, job.cancel_requested


def _event(job: Job) -> str:
    return f"event: job\ndata: {json.dumps(job_document(job), ensure_ascii=False)}\n\n"


@router.get("/v1/jobs/{job_id}/result", response_class=Response)
async def get_job_result(
    job_id: str,
    services: ServicesOf,
    caller: CallerOf,
    format: str | None = None,  # noqa: A002 - the name in the URL
    heard: Annotated[bool, Query(description="A transcript without the corrections made to it.")] = False,
) -> Response:
    """What a job gave: a transcript in any response format; for speech and round trips the figures as JSON."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    return await services.look(render_result, services, job, format, heard=heard)
