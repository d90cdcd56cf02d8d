"""A job done again, with other parameters if wanted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from tingshuo import blobs
from tingshuo.db import Job, Kind
from tingshuo.engines import Engines
from tingshuo.errors import InvalidRequest, NotFound
from tingshuo.settings import Settings
from tingshuo.submission import Submission, Terms, Upload, Wish


def replayed(
    settings: Settings,
    engines: Engines,
    job: Job,
    overrides: Mapping[str, Any],
    *,
    caller: str,
    idempotency_key: str | None = None,
) -> tuple[Job, bool]:
    """Queue a job that repeats `job` with the fields in `overrides` changed; (job, whether it is new). Blocks.

    Raises `InvalidRequest` where the input of the earlier one was not kept.
    """
    kind = cast(Kind, job.kind)
    terms = Terms(job.priority, None, job.max_attempts if job.queue else None, idempotency_key, replay_of=job.id)
    request = {**_request(job, overrides), **overrides}
    with ExitStack() as stack:
        upload = None
        if kind == "transcription":
            upload = Upload(stack.enter_context(_upload(settings, job, stack).open("rb")), job.input_name)
        return Submission(settings, engines, caller).job(kind, Wish(request, upload), terms)


def _request(job: Job, overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the job asked for, as far as it is kept and not asked for anew."""
    if job.request is None:
        raise InvalidRequest(f"job {job.id} was not queued, so its request is not kept; send it again", param="id")
    request = {name: value for name, value in job.request.items() if value is not None and name not in overrides}
    needed = {"speech": "input", "roundtrip": "sentences"}.get(job.kind)
    if needed and needed not in overrides and not any(request.get(needed) or ()):
        raise InvalidRequest(
            f"the text of job {job.id} was not kept (TINGSHUO_KEEP_TEXT); send {needed!r} in overrides",
            param="overrides",
        )
    return request


def _upload(settings: Settings, job: Job, stack: ExitStack) -> Path:
    name = job.input_blob or job.audio_name
    missing = InvalidRequest(f"the audio of job {job.id} was not kept; see TINGSHUO_KEEP_AUDIO", param="id")
    if name is None:
        raise missing
    try:
        return stack.enter_context(blobs.store(settings).local(job.id, name))
    except NotFound:
        raise missing from None
