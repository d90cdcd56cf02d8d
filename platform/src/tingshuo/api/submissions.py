"""POST /v1/jobs, /v1/batches and /v1/jobs/{id}/replay: work that is done later."""

from __future__ import annotations

from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tingshuo.api.access import needs, upload_limit
from tingshuo.api.job_documents import batch_document, job_document
from tingshuo.api.job_forms import BatchBody, FormTerms, JobBody, ReplayBody, idempotency_key, ordered
from tingshuo.api.jobs import whose
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.api.transcription_form import TranscriptionFields
from tingshuo.auth import Scope
from tingshuo.batches import tally
from tingshuo.db import Job, Kind
from tingshuo.replays import replayed
from tingshuo.settings import Settings
from tingshuo.submission import Submission

#: What a key must be allowed to do itself, to have it done later.
_SCOPES: dict[Kind, tuple[Scope, ...]] = {
    "transcription": ("transcribe",),
    "speech": ("speak",),
    "roundtrip": ("speak", "transcribe"),
}


def _batch_limit(settings: Settings) -> int:
    return settings.max_batch_bytes


router = APIRouter(route_class=needs("jobs", body_limit=upload_limit), tags=["jobs"])
batches = APIRouter(route_class=needs("jobs", body_limit=_batch_limit), tags=["jobs"])
#: A replay brings no file: its body is read into memory.
replays = APIRouter(route_class=needs("jobs"), tags=["jobs"])


def _content(form_file: str, body: type[BaseModel]) -> dict[str, Any]:
    """The two bodies of a route, for OpenAPI."""
    file = {"type": "string", "format": "binary"}
    terms, fields = FormTerms.model_json_schema(), TranscriptionFields.model_json_schema()
    files = file if form_file == "file" else {"type": "array", "items": file}
    form = {**fields, "properties": {form_file: files, **terms["properties"], **fields["properties"]}}
    form["required"] = [form_file]
    content = {"multipart/form-data": {"schema": form}, "application/json": {"schema": body.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/v1/jobs", status_code=202, openapi_extra=_content("file", JobBody))
async def create_job(request: Request, services: ServicesOf, caller: CallerOf) -> JSONResponse:
    """Have a transcription (form with a file), a speech or a round trip (JSON) done later."""
    async with ordered(request, many=False) as order:
        caller.require(*_SCOPES[order.kind])
        submission = Submission(services.settings, services.engines, caller.id)
        job, created = await services.look(submission.job, order.kind, order.wishes[0], order.terms)
    return _queued(services, job, created=created)


@batches.post("/v1/batches", status_code=202, openapi_extra=_content("files", BatchBody))
async def create_batch(request: Request, services: ServicesOf, caller: CallerOf) -> JSONResponse:
    """Have many done later: a form with files to transcribe, or JSON with `inputs`."""
    async with ordered(request, many=True) as order:
        caller.require(*_SCOPES[order.kind])
        submission = Submission(services.settings, services.engines, caller.id)
        batch, created = await services.look(submission.batch, order.kind, order.wishes, order.terms)
    services.plane.notify()
    so_far = await services.look(tally, services.settings, batch.id)
    headers = {"Location": f"/v1/batches/{batch.id}"}
    return JSONResponse(batch_document(batch, so_far), 202 if created else 200, headers)


@replays.post("/v1/jobs/{job_id}/replay", status_code=202)
async def replay_job(
    job_id: str, request: Request, body: ReplayBody, services: ServicesOf, caller: CallerOf
) -> JSONResponse:
    """Do a job again, with other parameters if wanted; the new one says of which it is the replay."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    caller.require(*_SCOPES[cast(Kind, job.kind)])
    again, created = await services.look(
        replayed,
        services.settings,
        services.engines,
        job,
        body.overrides,
        caller=caller.id,
        idempotency_key=idempotency_key(request),
    )
    return _queued(services, again, created=created)


def _queued(services: Services, job: Job, *, created: bool) -> JSONResponse:
    services.plane.notify()
    headers = {"Location": f"/v1/jobs/{job.id}", "x-tingshuo-job": job.id}
    return JSONResponse(job_document(job, full=True), 202 if created else 200, headers)
