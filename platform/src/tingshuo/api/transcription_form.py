"""The multipart form of POST /v1/audio/transcriptions: OpenAI's fields and ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Literal, TypeAlias

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from tingshuo.api.bodies import Body
from tingshuo.blobs import storage_error
from tingshuo.errors import InvalidRequest
from tingshuo.types import TranscribeOptions

ResponseFormat: TypeAlias = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity: TypeAlias = Literal["word", "segment"]

#: A form has some twenty fields, of which the prompt may be long.
_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 2**16


class TranscriptionFields(Body):
    """How to recognise and what to answer. The file comes beside."""

    model: str = Field("", description="An engine of GET /v1/models; empty or one of OpenAI's names: the default.")
    language: str = Field("auto", description="A code the engine lists, or auto.")
    languages: list[str] = Field([], description="With auto: choose among these only.")
    response_format: ResponseFormat = "json"
    timestamp_granularities: list[Granularity] = Field(["segment"], description="word adds `words` to verbose_json.")
    channel: Literal["mix", "left", "right", "split"] = Field("mix", description="split: stereo channels apart.")
    itn: bool = Field(True, description="Write numbers, punctuation and capitals as on paper.")
    merge_vad: bool = Field(True, description="Join neighbouring stretches of speech.")
    merge_length_s: float = Field(15.0, gt=0, le=60, description="Seconds that joined stretches may reach.")
    force_emotion: bool = Field(False, description='Never answer "unknown".')
    rich: Literal["zh", "en"] | None = Field(None, description="`text` with emotions and events named so.")
    emoji: bool = Field(False, description="`text` with emotions and events as emoji.")
    raw: bool = Field(False, description="`text` as the engine wrote it, tags and all.")
    prompt: str = Field("", description="Accepted and ignored: the engines take none.")
    temperature: float = Field(0.0, ge=0, le=1, description="Accepted and ignored: decoding is greedy.")
    stream: bool = Field(False, description="Only false.")
    chunking_strategy: Literal["auto"] = Field("auto", description="Only auto: speech is always found by VAD.")

    def options(self) -> TranscribeOptions:
        """What the recogniser is told."""
        return TranscribeOptions(
            language=_code(self.language),
            languages=tuple(map(_code, self.languages)),
            itn=self.itn,
            words="word" in self.timestamp_granularities,
            merge_vad=self.merge_vad,
            merge_length_s=self.merge_length_s,
            force_emotion=self.force_emotion,
        )

    def check(self) -> None:
        """Raise `InvalidRequest` for fields that do not go together or ask for what we lack."""
        if self.stream:
            raise InvalidRequest("stream=true is not supported; leave it out", param="stream")
        styles = [name for name, on in (("rich", self.rich or self.emoji), ("raw", self.raw)) if on]
        if styles and self.response_format in ("srt", "vtt"):
            raise InvalidRequest(f"{styles[0]} does not go with {self.response_format}", param=styles[0])
        if len(styles) > 1:
            raise InvalidRequest("raw does not go with rich or emoji", param="raw")


class Upload:
    """The uploaded file and the fields beside it. `name` is what the client calls the file: never a path of ours."""

    def __init__(self, file: UploadFile, fields: TranscriptionFields) -> None:
        self.file: BinaryIO = file.file
        self.name = file.filename
        self.fields = fields


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Upload]:
    """The form, its file in a temporary file that is gone afterwards. Raises `InvalidRequest`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise InvalidRequest("send a form (multipart/form-data) with a field `file`")
    try:
        form = await request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    except OSError as error:  # the disk for temporary files is full
        raise storage_error(error) from error
    async with request.form():
        yield _upload(form)


def _upload(form: FormData) -> Upload:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidRequest("the form has no file in its field `file`", param="file")
    try:
        fields = TranscriptionFields.model_validate(_values(form))
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from error
    fields.check()
    return Upload(file, fields)


def _values(form: FormData) -> Mapping[str, Any]:
    """The text fields: `name[]` is `name`, fields that are lists as lists; an empty one counts as absent."""
    values: dict[str, Any] = {}
    for key, value in form.multi_items():
        name = key.removesuffix("[]")
        if name == "file":
            continue
        if isinstance(value, UploadFile):
            raise InvalidRequest(f"the field {name[:100]!r} holds a file; only `file` may", param=name[:100])
        if name in ("languages", "timestamp_granularities"):
            values.setdefault(name, []).append(value)
        elif name in values:
            raise InvalidRequest(f"the field {name[:100]!r} is given twice", param=name[:100])
        else:
            values[name] = value or None
    return values


def _code(language: str) -> str:
    """`zh` of `zh-CN`: clients send the locale of their user interface."""
    return language.strip().lower().replace("_", "-").partition("-")[0] or "auto"
