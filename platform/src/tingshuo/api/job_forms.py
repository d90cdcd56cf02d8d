"""What POST /v1/jobs and POST /v1/batches take: a form with files, or JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from tingshuo.api.access import json_limit
from tingshuo.api.bodies import Body
from tingshuo.api.services import services_of
from tingshuo.api.transcription_form import form_values
from tingshuo.blobs import storage_error
from tingshuo.db import Kind
from tingshuo.errors import InvalidRequest, LimitExceeded
from tingshuo.submission import Terms, Upload, Wish

B = TypeVar("B", bound=Body)

#: Fields of a form beside those of a transcription.
_TERMS = ("kind", "priority", "webhook", "max_attempts")
_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 2**16


class TermsBody(Body):
    """How a job is to be carried out, whatever it asks for."""

    priority: int = Field(0, description="-100 to 100; a higher one is done first.")
    webhook: str | None = Field(None, description="A URL on a host of TINGSHUO_WEBHOOK_HOSTS, told when the job ended.")
    max_attempts: int | None = Field(None, description="1 to 10; default: TINGSHUO_JOB_ATTEMPTS.")

    def terms(self, request: Request) -> Terms:
        """The terms meant, with the request's idempotency key."""
        return Terms(self.priority, self.webhook, self.max_attempts, idempotency_key(request))


class FormTerms(TermsBody):
    """The same in a form with files."""

    kind: Literal["transcription"] = "transcription"


class JobBody(TermsBody):
    """A text to speak, or a round trip, to be done later."""

    kind: Literal["speech", "roundtrip"]
    input: dict[str, Any] = Field(description="The body of POST /v1/audio/speech or of POST /v1/roundtrips.")


class BatchBody(TermsBody):
    """Many of them."""

    kind: Literal["speech", "roundtrip"]
    inputs: list[dict[str, Any]] = Field(min_length=1, description="Bodies as in `input` of POST /v1/jobs.")


class ReplayBody(Body):
    """Fields of the earlier request that are to be different."""

    overrides: dict[str, Any] = Field({}, description="The other fields stay as they were.")


def idempotency_key(request: Request) -> str | None:
    """The header that makes sending a request twice harmless."""
    return request.headers.get("idempotency-key")


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks to be done later."""

    kind: Kind
    wishes: Sequence[Wish]
    terms: Terms


@asynccontextmanager
async def ordered(request: Request, *, many: bool) -> AsyncIterator[Order]:
    """The order in a request; uploads lie in temporary files that are gone afterwards. Raises `InvalidRequest`."""
    settings = services_of(request).settings
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "multipart/form-data":
            most = settings.max_batch_files if many else 1
            try:
                form = await request.form(max_files=most, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
            except OSError as error:  # the disk for temporary files is full
                raise storage_error(error) from error
            async with request.form():
                yield _from_form(request, form)
        case "application/json":
            factor = settings.max_batch_files if many else 1
            document = await json_body(request, min(json_limit(settings) * factor, 2**26))
            yield _batch_order(request, document) if many else _job_order(request, document)
        case _:
            raise InvalidRequest("send a form (multipart/form-data) with a field `file`, or application/json")


async def json_body(request: Request, limit: int) -> object:
    """The JSON of a body of at most `limit` bytes. Raises `InvalidRequest` or `LimitExceeded`."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise LimitExceeded(f"the body is larger than {limit} bytes")
    try:
        return json.loads(bytes(content))
    except (ValueError, RecursionError) as error:  # the second for what is nested too deeply
        raise InvalidRequest(f"the body is not JSON: {error}") from error


def validated(model: type[B], values: object) -> B:
    """`values` as a `model`; what is wrong is told as for any other body."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from error


def _job_order(request: Request, document: object) -> Order:
    body = validated(JobBody, document)
    return Order(body.kind, [Wish(body.input)], body.terms(request))


def _batch_order(request: Request, document: object) -> Order:
    body = validated(BatchBody, document)
    return Order(body.kind, [Wish(item) for item in body.inputs], body.terms(request))


def _from_form(request: Request, form: FormData) -> Order:
    items = form.multi_items()
    files = [value for name, value in items if name.removesuffix("[]") in ("file", "files")]
    uploads = [Upload(value.file, value.filename) for value in files if isinstance(value, UploadFile)]
    if not uploads or len(uploads) < len(files):
        raise InvalidRequest("the form has no file in its field `file`", param="file")
    told = validated(FormTerms, {name: value or None for name, value in items if name in _TERMS})
    rest = FormData([(name, value) for name, value in items if name not in _TERMS])
    fields: Mapping[str, Any] = form_values(rest, ("file", "files"))
    return Order(told.kind, [Wish(fields, upload) for upload in uploads], told.terms(request))
