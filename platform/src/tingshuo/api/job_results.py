"""The result of a job that has ended, in the formats of the online route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from fastapi.responses import JSONResponse, Response

from tingshuo import revisions
from tingshuo.api.roundtrip_reports import REPORTS, result_of
from tingshuo.api.services import Services
from tingshuo.api.transcription_form import ResponseFormat, TranscriptionFields
from tingshuo.api.transcription_replies import Heard, rendered
from tingshuo.corrections import corrected
from tingshuo.db import Job, TranscriptRevision
from tingshuo.engine import Recognizer
from tingshuo.errors import Conflict, EngineUnavailable, NotFound, UnsupportedFormat
from tingshuo.revisions import lines_of, transcript_result
from tingshuo.types import (
    Audio,
    AudioEvent,
    Emotion,
    EventLabel,
    Model,
    Origin,
    Segment,
    TranscribeOptions,
    Transcript,
    Word,
)


def recorded(job: Job) -> Recognizer:
    """The recogniser of a job as its row names it: it may not be installed any more."""

    class Recorded(Recognizer):
        name = job.engine
        version = job.engine_version

        def model(self) -> Model:
            return Model(job.model_name or "", cast(Origin, job.model_origin or "folder"))

        def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
            raise EngineUnavailable(f"{self.name} is known from the history only")

    return Recorded()


def render_result(services: Services, job: Job, name: str | None, *, heard: bool = False) -> Response:
    """The result in the format `name`, by default that which the request asked for.

    A transcript is told as it was corrected last; heard: as it was heard. Raises `Conflict` where the job gave none,
    `NotFound` where its text was not kept, `UnsupportedFormat`.
    """
    if job.status != "succeeded" or job.result is None:
        why = f": {job.error_message}" if job.error_message else ""
        raise Conflict(f"job {job.id} is {job.status} and has no result{why}", param="id")
    if job.kind != "transcription":
        return _other(job, job.result, name or "json")
    if name is not None and name not in get_args(ResponseFormat):
        known = ", ".join(get_args(ResponseFormat))
        raise UnsupportedFormat(f"no format {name!r}; there are: {known}", param="format")
    transcript_result(job)
    revision = None if heard else revisions.current(services.settings, job.id)
    asked = {key: value for key, value in (job.request or {}).items() if value is not None}
    fields = TranscriptionFields.model_validate({**asked, **({"response_format": name} if name else {})})
    transcript = transcript_of(corrected(job.result, lines_of(job, revision)))
    response = rendered(Heard(job.id, recorded(job), transcript), fields)
    response.headers.update(revision_header(revision))
    return response


def revision_header(revision: TranscriptRevision | None) -> dict[str, str]:
    """Says of which revision a reply was made; None is what was heard."""
    return {"x-tingshuo-revision": str(revision.revision if revision else 0)}


def _other(job: Job, result: Mapping[str, Any], name: str) -> Response:
    headers = {"x-tingshuo-job": job.id}
    if name == "json":
        return JSONResponse(result, headers=headers)
    if job.kind != "roundtrip" or name not in REPORTS:
        known = ["json", *(REPORTS if job.kind == "roundtrip" else ())]
        raise UnsupportedFormat(f"a {job.kind} has its result as {', '.join(known)}, not {name!r}", param="format")
    if any("sentence" not in item for item in result["items"]):
        raise NotFound(f"the texts of job {job.id} were not kept; see TINGSHUO_KEEP_TEXT", param="id")
    media_type, report = REPORTS[name]
    return Response(report(result_of(result)), media_type=media_type, headers=headers)


def transcript_of(document: Mapping[str, Any]) -> Transcript:
    """The transcript that `documents.transcript_document` told, as far as it tells it (to the millisecond)."""
    return Transcript(
        text=document["text"],
        language=document["language"],
        duration=document["duration"],
        segments=tuple(map(_segment, document["segments"])),
    )


def _segment(document: Mapping[str, Any]) -> Segment:
    emotion = document["emotion"] or {}
    label = emotion.get("label")
    return Segment(
        start=document["start"],
        end=document["end"],
        text=document["text"],
        language=document["language"],
        emotion=Emotion(label) if label in set(Emotion) else None,
        emotion_scores=emotion.get("scores", {}),
        events=tuple(_event(event) for event in document["events"]),
        words=tuple(_word(word) for word in document.get("words", ())),
        timing=document["timing"],
        channel=document.get("channel"),
    )


def _event(document: Mapping[str, Any]) -> AudioEvent:
    return AudioEvent(EventLabel(document["label"]), document["score"], document["start"], document["end"])


def _word(document: Mapping[str, Any]) -> Word:
    return Word(document["word"], document["start"], document["end"], document.get("score"))
