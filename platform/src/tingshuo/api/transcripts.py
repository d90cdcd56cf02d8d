"""The transcript of a job as readers correct it: /v1/jobs/{id}/transcript, and its highlights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from tingshuo import revisions
from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.job_results import revision_header, transcript_of
from tingshuo.api.jobs import whose
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.auth import Caller
from tingshuo.corrections import MOST_CHARACTERS, Line, Wish, corrected, lines_heard, lines_wished
from tingshuo.db import Job, TranscriptRevision
from tingshuo.highlights import highlights, highlights_csv, highlights_document, highlights_edl, wanted
from tingshuo.revisions import lines_of, transcript_result
from tingshuo.settings import Settings

#: Bytes of a correction: the text of a whole day, with room for how JSON spells it.
_BODY_BYTES = 4 * 2**20


def _body_limit(_: Settings) -> int:
    return _BODY_BYTES


router = APIRouter(route_class=needs("jobs", body_limit=_body_limit), tags=["transcripts"])

_IfMatch = Annotated[
    str | None, Header(description="The ETag of the transcript that was corrected; another one is refused (412).")
]
_NAMES = re.compile(r'(?:W/)?"?([^",]*)"?')


class SegmentCorrection(Body):
    """How a segment reads; what is left out stays as it was heard."""

    id: StrictInt = Field(ge=0, description="The segment's index in what was heard.")
    start: float | None = Field(None, ge=0, description="Seconds.")
    end: float | None = Field(None, ge=0, description="Seconds.")
    text: str | None = Field(
        None, max_length=MOST_CHARACTERS, description="Without control characters but line breaks."
    )


class TranscriptBody(Body):
    """The whole transcript: segments that are not named are left out of it."""

    segments: list[SegmentCorrection]


@router.get("/v1/jobs/{job_id}/transcript")
async def get_transcript(
    job_id: str,
    services: ServicesOf,
    caller: CallerOf,
    revision: Annotated[int | None, Query(description="An earlier one; 0 is what was heard.")] = None,
) -> JSONResponse:
    """The transcript as it was corrected last, or as it was heard."""
    job = await _transcribed(services, job_id, caller)
    if revision is None:
        found = await services.look(revisions.current, services.settings, job_id)
    else:
        found = await services.look(revisions.numbered, services.settings, job_id, revision)
    return _reply(job, found)


@router.get("/v1/jobs/{job_id}/transcript/revisions")
async def list_revisions(job_id: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
    """Who corrected the transcript when, the newest first, and how many segments differ from what was heard."""
    await _transcribed(services, job_id, caller)
    rows = await services.look(revisions.of_job, services.settings, job_id)
    return {"object": "list", "data": [_revision_document(row) for row in rows], "has_more": False}


@router.put("/v1/jobs/{job_id}/transcript")
async def correct_transcript(
    job_id: str, body: TranscriptBody, services: ServicesOf, caller: CallerOf, if_match: _IfMatch = None
) -> JSONResponse:
    """Correct the transcript: a new revision, unless it says what the current one says."""
    job = await _transcribed(services, job_id, caller)
    wishes = [Wish(one.id, one.start, one.end, one.text) for one in body.segments]
    lines = await services.look(lines_wished, transcript_result(job), wishes)
    return await _revised(services, job, lines, caller, if_match)


@router.delete("/v1/jobs/{job_id}/transcript")
async def reset_transcript(
    job_id: str, services: ServicesOf, caller: CallerOf, if_match: _IfMatch = None
) -> JSONResponse:
    """Go back to what was heard, by a new revision; the corrections stay as earlier ones."""
    job = await _transcribed(services, job_id, caller)
    return await _revised(services, job, lines_heard(transcript_result(job)), caller, if_match)


@router.get("/v1/jobs/{job_id}/highlights", response_class=Response)
async def get_highlights(
    job_id: str,
    services: ServicesOf,
    caller: CallerOf,
    format: Literal["json", "csv", "edl"] = "json",  # noqa: A002 - the name in the URL
    events: Annotated[str | None, Query(description="With commas; applause,laughter where left out.")] = None,
) -> Response:
    """The events of the corrected transcript: as JSON, for a spreadsheet, or as cuts for a video editor (CMX 3600)."""
    labels = wanted(events)
    job = await _transcribed(services, job_id, caller)
    revision = await services.look(revisions.current, services.settings, job_id)
    result = corrected(transcript_result(job), lines_of(job, revision))
    found = highlights(transcript_of(result), labels)
    headers = {"x-tingshuo-job": job.id, **revision_header(revision)}
    if format == "json":
        return JSONResponse(highlights_document(found), headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{job.id}.{format}"'
    if format == "csv":
        return Response(highlights_csv(found), media_type="text/csv; charset=utf-8", headers=headers)
    return Response(highlights_edl(found), media_type="text/plain; charset=utf-8", headers=headers)


async def _transcribed(services: Services, job_id: str, caller: Caller) -> Job:
    """The job, which has a transcript; raises as `transcript_result` does."""
    job = await services.look(services.history.get, job_id, caller=whose(caller))
    transcript_result(job)
    return job


async def _revised(
    services: Services, job: Job, lines: Sequence[Line], caller: Caller, if_match: str | None
) -> JSONResponse:
    expected = None if if_match is None or if_match.strip() == "*" else _names(if_match)
    row = await services.look(revisions.revise, services.settings, job, lines, caller=caller.id, expected=expected)
    return _reply(job, row)


def _names(if_match: str) -> list[str]:
    """What is within the quotes of each ETag; a proxy that compresses makes them weak ones."""
    found = (_NAMES.fullmatch(part.strip()) for part in if_match.split(","))
    return [match[1] for match in found if match]


def _reply(job: Job, revision: TranscriptRevision | None) -> JSONResponse:
    number = revision.revision if revision else 0
    headers = {"ETag": f'"{number}"', "Cache-Control": "private, no-cache", **revision_header(revision)}
    return JSONResponse(transcript_body(job, revision), headers=headers)


def transcript_body(job: Job, revision: TranscriptRevision | None) -> dict[str, Any]:
    """The transcript at a revision, JSON-ready; None is what was heard."""
    result = transcript_result(job)
    lines, heard = lines_of(job, revision), lines_heard(result)
    told = corrected(result, lines)
    done = revision if revision and revision.changed else None
    return {
        "object": "transcript",
        "job": job.id,
        "revision": revision.revision if revision else 0,
        "corrected": done is not None,
        "corrected_at": done and done.created_at.isoformat(),
        "corrected_by": done and done.caller,
        "text": told["text"],
        "language": told["language"],
        "duration": told["duration"],
        "segments": [
            {"id": line.id, **segment, "corrected": line != heard[line.id]}
            for line, segment in zip(lines, told["segments"], strict=True)
        ],
    }


def _revision_document(row: TranscriptRevision) -> dict[str, Any]:
    return {
        "revision": row.revision,
        "created_at": row.created_at.isoformat(),
        "caller": row.caller,
        "changed": row.changed,
    }
