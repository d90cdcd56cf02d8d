"""POST /v1/audio/transcriptions: audio in, transcript out."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import Any, BinaryIO, TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import Response

from tingshuo.api.access import needs, upload_limit
from tingshuo.api.events import EVENTS, telling
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.api.streaming import Outlet, Streamed, started, wanted
from tingshuo.api.transcription_events import Telling
from tingshuo.api.transcription_form import TranscriptionFields, Upload, received
from tingshuo.api.transcription_replies import Heard, rendered
from tingshuo.audio import Limits, Side, read_audio
from tingshuo.channels import transcribe_channels
from tingshuo.documents import transcript_document
from tingshuo.engine import Recognizer
from tingshuo.engines import Engines
from tingshuo.errors import InvalidRequest
from tingshuo.recording import Recording
from tingshuo.settings import Settings
from tingshuo.types import Audio, Segment, TranscribeOptions, Transcript
from tingshuo.validation import check_options

Channels: TypeAlias = Sequence[tuple[Side | None, Audio]]

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
    async with AsyncExitStack() as stack:
        upload = await stack.enter_async_context(received(request))
        if upload.fields.stream:
            call = partial(transcribe_along, services, upload, caller.id)
            work = await started(request, services, telling(call))
            # The file is read and kept by the work, so it is closed after it.
            return Streamed(work, EVENTS, after=stack.pop_all().aclose)
        found = await wanted(request, services, transcribe, services, upload, caller.id)
        return await services.look(rendered, found, upload.fields)


@router.post("/v1/audio/translations", response_class=Response)
async def create_translation() -> Response:
    """Not supported: the engines write down what they hear and do not translate."""
    raise InvalidRequest("translation is not supported; use /v1/audio/transcriptions")


def transcribe(services: Services, upload: Upload, caller: str) -> Heard:
    """Recognise an upload and record the job. Blocks."""
    channels = channels_of(services.engines, services.settings, upload.file, upload.fields)
    with _recorded(services, upload, caller) as (job, recognizer):
        transcript = heard(services.engines, channels, upload.fields)
        _finish(job, transcript, upload)
    return Heard(job.id, recognizer, transcript)


def transcribe_along(services: Services, upload: Upload, caller: str, out: Outlet) -> None:
    """Recognise an upload, tell each segment as soon as it is known, and record the job. Blocks."""
    channels = channels_of(services.engines, services.settings, upload.file, upload.fields)
    events = Telling(upload.fields)
    with _recorded(services, upload, caller) as (job, recognizer):
        out.job = job.id
        with closing(heard_along(services.engines, channels, upload.fields)) as segments:
            while not isinstance(found := next_of(segments), Transcript):
                if told := events.segment(found):
                    out.put(told)
        _finish(job, found, upload)
    out.put(events.done(Heard(job.id, recognizer, found)))  # the history has it by now


@contextmanager
def _recorded(services: Services, upload: Upload, caller: str) -> Iterator[tuple[Recording, Recognizer]]:
    fields = upload.fields
    recognizer = services.engines.recognizer(fields.model)
    parameters = {**asdict(fields.options()), "channel": fields.channel}
    with services.history.record("transcription", recognizer, parameters, caller=caller, input_name=upload.name) as job:
        yield job, recognizer


def _finish(job: Recording, transcript: Transcript, upload: Upload) -> None:
    job.finish(
        transcript_document(transcript),
        audio_seconds=transcript.duration,
        audio=upload.file,
        audio_format=(upload.name or "").rpartition(".")[2].lower(),
    )


def recognise(engines: Engines, settings: Settings, file: BinaryIO, fields: TranscriptionFields) -> Transcript:
    """The transcript of a file as the fields ask for it. Blocks; raises what is wrong with either."""
    return heard(engines, channels_of(engines, settings, file, fields), fields)


def channels_of(engines: Engines, settings: Settings, file: BinaryIO, fields: TranscriptionFields) -> Channels:
    """The decoded channels of a file; raises what is wrong with it or with the fields before anything is queued."""
    check_options(engines.recognizer(fields.model), fields.options())
    channels = read_audio(file, Limits.of(settings), fields.channel)
    if fields.response_format == "diarized_json" and len(channels) != 2:
        raise InvalidRequest(
            "the audio has one channel; diarized_json tells speakers apart by channel and needs two",
            param="response_format",
        )
    return channels


def heard(engines: Engines, channels: Channels, fields: TranscriptionFields) -> Transcript:
    """What the recogniser makes of decoded channels."""
    return transcribe_channels(engines, channels, _options(engines, fields), fields.model)


def heard_along(
    engines: Engines, channels: Channels, fields: TranscriptionFields
) -> Generator[Segment, None, Transcript]:
    """The same segment by segment; of two channels only once both are known, for their segments take turns."""
    if len(channels) == 1:
        return (yield from engines.transcribe_stream(channels[0][1], _options(engines, fields), fields.model))
    transcript = heard(engines, channels, fields)
    yield from transcript.segments
    return transcript


def next_of(segments: Generator[Segment, None, Transcript]) -> Segment | Transcript:
    """The next segment, or the whole after the last one."""
    try:
        return next(segments)
    except StopIteration as end:
        whole: Transcript = end.value
        return whole


def _options(engines: Engines, fields: TranscriptionFields) -> TranscribeOptions:
    options = fields.options()
    # verbose_json has a place for the mean log probability of a segment.
    wants = fields.response_format == "verbose_json" and engines.recognizer(fields.model).gives_logprobs
    return replace(options, logprobs=True) if wants else options
