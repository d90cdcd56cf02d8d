"""The multipart form of POST /v1/audio/transcriptions: OpenAI's fields and ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, Literal, TypeAlias

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from tingshuo.api.speech_bounds import ChunkingStrategy
from tingshuo.api.transcription_extras import ExtraFields
from tingshuo.blobs import storage_error
from tingshuo.errors import InvalidRequest
from tingshuo.hotwords import MOST_HOTWORDS
from tingshuo.types import TranscribeOptions

ResponseFormat: TypeAlias = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json", "ass", "lrc", "csv"]
Granularity: TypeAlias = Literal["word", "segment"]

#: Formats that can be sent as events.
_STREAMED = ("json", "text", "verbose_json", "diarized_json")
_LISTS = ("languages", "keywords", "timestamp_granularities", "include", "known_speaker_names")

#: A form has some thirty fields, of which the prompt may be long, and may have as many keywords as there are hotwords.
_MAX_FIELDS = 64 + MOST_HOTWORDS
_MAX_FIELD_BYTES = 2**16


class TranscriptionFields(ExtraFields):
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
    temperature: float = Field(0.0, ge=0, le=1, description="Accepted and ignored: decoding is greedy.")
    stream: bool = Field(False, description="Answer with events, each segment as soon as it is known.")
    include: list[Literal["logprobs"]] = Field([], description="logprobs: of each token, with json.")
    chunking_strategy: ChunkingStrategy = Field(
        None, description="auto, or how speech is found: {type: server_vad, threshold, silence_duration_ms, …}."
    )
    known_speaker_names: list[str] = Field([], description="diarized_json: names of the left and the right channel.")

    @model_validator(mode="before")
    @classmethod
    def _channels_apart(cls, values: object) -> object:
        """Speakers are told apart by channel, so diarized_json means that unless a channel is asked for."""
        if isinstance(values, dict) and values.get("response_format") == "diarized_json":
            return {"channel": "split", **{name: value for name, value in values.items() if value is not None}}
        return values

    def options(self) -> TranscribeOptions:
        """What the recogniser is told."""
        return self.extended(
            TranscribeOptions(
                language=_code(self.language),
                languages=tuple(map(_code, self.languages)),
                itn=self.itn,
                words="word" in self.timestamp_granularities,
                merge_vad=self.merge_vad,
                merge_length_s=self.merge_length_s,
                force_emotion=self.force_emotion,
                logprobs="logprobs" in self.include,
                vad=self.chunking_strategy.activity() if self.chunking_strategy else None,
            )
        )

    def check(self) -> None:
        """Raise `InvalidRequest` for fields that do not go together or ask for what we lack."""
        styles = [name for name, on in (("rich", self.rich or self.emoji), ("raw", self.raw)) if on]
        if styles and self.response_format in ("srt", "vtt", "ass", "lrc", "csv"):
            raise InvalidRequest(f"{styles[0]} does not go with {self.response_format}", param=styles[0])
        if len(styles) > 1:
            raise InvalidRequest("raw does not go with rich or emoji", param="raw")
        if self.stream and (styles or self.response_format not in _STREAMED):
            unfit = styles[0] if styles else self.response_format
            raise InvalidRequest(f"{unfit} does not go with stream; it takes {', '.join(_STREAMED)}", param="stream")
        if self.include and self.response_format != "json":
            raise InvalidRequest(f"log probabilities come with json, not with {self.response_format}", param="include")
        self._check_speakers()

    def _check_speakers(self) -> None:
        if self.response_format == "diarized_json" and self.channel != "split":
            raise InvalidRequest(
                "diarized_json tells speakers apart by channel; send channel=split or leave it out", param="channel"
            )
        names = self.known_speaker_names
        if names and (len(names) != 2 or len(set(names)) != 2 or self.response_format != "diarized_json"):
            raise InvalidRequest(
                "known_speaker_names goes with diarized_json and names two speakers: left channel, right channel",
                param="known_speaker_names",
            )


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
        fields = TranscriptionFields.model_validate(form_values(form))
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from error
    fields.check()
    return Upload(file, fields)


def form_values(form: FormData, files: Sequence[str] = ("file",)) -> Mapping[str, Any]:
    """The text fields: `name[]` is `name`, fields that are lists as lists; an empty one counts as absent.

    files: names of the fields that hold files; they are left out.
    """
    values: dict[str, Any] = {}
    for key, value in form.multi_items():
        name = key.removesuffix("[]")
        if name in files:
            continue
        if isinstance(value, UploadFile):
            raise InvalidRequest(f"the field {name[:100]!r} holds a file; only {files[0]!r} may", param=name[:100])
        if name in _LISTS:
            values.setdefault(name, []).append(value)
        elif name.startswith("chunking_strategy["):  # how OpenAI's own client sends an object
            values.setdefault("chunking_strategy", {})[name[18:].removesuffix("]")] = value
        elif name in values:
            raise InvalidRequest(f"the field {name[:100]!r} is given twice", param=name[:100])
        else:
            values[name] = value or None
    return values


def _code(language: str) -> str:
    """`zh` of `zh-CN`: clients send the locale of their user interface."""
    return language.strip().lower().replace("_", "-").partition("-")[0] or "auto"
