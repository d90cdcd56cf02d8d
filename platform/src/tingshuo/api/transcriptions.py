"""POST /v1/audio/transcriptions: audio in, transcript out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tingshuo.api.access import needs, upload_limit
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.api.transcription_form import TranscriptionFields, Upload, received
from tingshuo.api.transcription_replies import Heard, rendered
from tingshuo.audio import Limits, read_audio
from tingshuo.channels import transcribe_channels
from tingshuo.documents import transcript_document
from tingshuo.errors import InvalidRequest
from tingshuo.validation import check_languages

router = APIRouter(route_class=needs("transcribe", body_limit=upload_limit), tags=["transcriptions"])


def _form_schema() -> Mapping[str, Any]:
    schema = TranscriptionFields.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file"]
    return schema


@router.post(
    "/v1/audio/transcriptions",
    response_class=Response,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _form_schema()}}}},
)
async def create_transcription(request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Recognise speech, its language, emotion and sound events."""
    async with received(request) as upload:
        heard = await services.work(transcribe, services, upload, caller.id)
        return await services.look(rendered, heard, upload.fields)


@router.post("/v1/audio/translations", response_class=Response)
async def create_translation() -> Response:
    """Not supported: the engines write down what they hear and do not translate."""
    raise InvalidRequest("translation is not supported; use /v1/audio/transcriptions")


def transcribe(services: Services, upload: Upload, caller: str) -> Heard:
    """Recognise an upload and record the job. Blocks."""
    fields = upload.fields
    recognizer = services.engines.recognizer(fields.model)
    options = fields.options()
    check_languages(recognizer, options)
    channels = read_audio(upload.file, Limits.of(services.settings), fields.channel)
    parameters = {**asdict(options), "channel": fields.channel}
    with services.history.record("transcription", recognizer, parameters, caller=caller, input_name=upload.name) as job:
        transcript = transcribe_channels(services.engines, channels, options, recognizer.name)
        job.finish(
            transcript_document(transcript),
            audio_seconds=transcript.duration,
            audio=upload.file,
            audio_format=(upload.name or "").rpartition(".")[2].lower(),
        )
    return Heard(job.id, recognizer, transcript)
