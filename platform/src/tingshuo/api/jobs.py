"""The history: /v1/jobs. A key sees its own jobs, an admin key everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from tingshuo.api.access import ANYBODY, GuardedRoute, needs
from tingshuo.api.job_documents import JobQuery, job_document
from tingshuo.api.services import CallerOf, ServicesOf, services_of
from tingshuo.audio import FORMATS
from tingshuo.auth import Caller
from tingshuo.db import Job
from tingshuo.links import verify
from tingshuo.revisions import corrected_among

router = APIRouter(route_class=needs("jobs"), tags=["jobs"])

#: File ending -> media type. An upload's ending is the client's word, so all else is told to be just bytes.
_MEDIA_TYPES = {**FORMATS, "ogg": "audio/ogg", "m4a": "audio/mp4", "mp4": "audio/mp4", "webm": "audio/webm"}


def audio_path(job_id: str) -> str:
    """The path of a job's audio: what a link is signed for."""
    return f"/v1/jobs/{job_id}/audio"


class LinkedRoute(GuardedRoute):
    """A route that a signed link opens without a key."""

    scopes = ("jobs",)

    async def admit(self, request: Request) -> Caller:
        expires, signature = (request.query_params.get(name) for name in ("expires", "signature"))
        if expires is None or signature is None:
            return await super().admit(request)
        verify(services_of(request).settings, audio_path(request.path_params["job_id"]), expires, signature)
        return ANYBODY


linked = APIRouter(route_class=LinkedRoute, tags=["jobs"])


@router.get("/v1/jobs")
async def list_jobs(services: ServicesOf, caller: CallerOf, query: Annotated[JobQuery, Query()]) -> dict[str, Any]:
    """Jobs, the newest first; `after` is the last id of the page before. Results are told by GET /v1/jobs/{id}."""
    whose = query.caller if caller.is_admin else caller.id
    jobs = await services.look(
        services.history.list,
        query.filter(),
        caller=whose,
        after=query.after,
        limit=query.limit,
        results=query.summary,
    )
    corrected = await services.look(corrected_among, services.settings, transcribed(jobs))
    return {
        "object": "list",
        "data": [job_document(job, summary=query.summary, corrected=job.id in corrected) for job in jobs],
        "first_id": jobs[0].id if jobs else None,
        "last_id": jobs[-1].id if jobs else None,
        # A full page may be the last one; the next page is empty then.
        "has_more": len(jobs) == query.limit,
    }


@router.get("/v1/jobs/{job_id}")
async def get_job(job_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """One job with its input text and result, as far as they are kept."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    corrected = await services.look(corrected_among, services.settings, transcribed([job]))
    return job_document(job, full=True, corrected=bool(corrected))


@router.delete("/v1/jobs/{job_id}")
async def delete_job(job_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Remove a job and everything kept for it."""
    await services.look(services.history.delete, job_id, caller=whose(caller))
    return {"id": job_id, "object": "job", "deleted": True}


@linked.get("/v1/jobs/{job_id}/audio", response_class=FileResponse)
async def get_job_audio(job_id: str, services: ServicesOf, caller: CallerOf) -> FileResponse:
    """The audio kept for a job, in parts if asked (Range)."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    opened = ExitStack()
    path = await services.look(opened.enter_context, services.history.audio(job))
    media_type = _MEDIA_TYPES.get(job.audio_format or "")
    return FileResponse(
        path,
        media_type=media_type or "application/octet-stream",
        filename=f"{job.id}{path.suffix}",
        content_disposition_type="inline" if media_type else "attachment",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"},
        background=BackgroundTask(opened.close),
    )


def transcribed(jobs: Sequence[Job]) -> list[str]:
    """The ids of those that may have corrections."""
    return [job.id for job in jobs if job.kind == "transcription" and job.status == "succeeded"]


def whose(caller: Caller) -> str | None:
    """None, which means everybody's, for an admin and for whoever holds a link to the one job."""
    return None if caller.is_admin or caller is ANYBODY else caller.id
