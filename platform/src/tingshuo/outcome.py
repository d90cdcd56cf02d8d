"""How a job ended, as columns of its row."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tingshuo import blobs
from tingshuo.db import Job, Kind
from tingshuo.engine import Engine
from tingshuo.errors import EngineFailed, TingshuoError
from tingshuo.recording import Recording
from tingshuo.retention import kept, storable
from tingshuo.settings import Settings
from tingshuo.weights import checksum

#: Code and message of a job whose process was killed or whose command was stopped.
INTERRUPTED = ("interrupted", "interrupted: the process ended before the job finished")


def succeeded(settings: Settings, recording: Recording, kind: Kind, attempt: int = 1) -> dict[str, Any]:
    """The columns of a job that gave `recording`; its audio is stored first where it is to be kept."""
    result = kept(recording.result, keep_text=settings.keep_text)
    text = recording.result.get("text") if kind == "transcription" and recording.result else None
    return {
        "status": "succeeded",
        "progress": 1.0,
        "result": result,
        "output_text": storable(text) if isinstance(text, str) and settings.keep_text else None,
        "audio_seconds": recording.audio_seconds,
        "characters": recording.characters,
        **_store_audio(settings, recording, kind, attempt),
    }


def failed(settings: Settings, error: BaseException) -> dict[str, Any]:
    """The columns of a job that ended with `error`."""
    code, message = failure(error, keep_text=settings.keep_text)
    return {"status": "failed", "error_code": code, "error_message": storable(message)}


def failure(error: BaseException, *, keep_text: bool) -> tuple[str, str]:
    """(code, message) to record. An error that is not ours is named only: its text may quote what was said.

    So may that of an engine, which is recorded only where texts are kept.
    """
    if isinstance(error, EngineFailed) and not keep_text:
        return error.code, "the engine failed; the server's log tells how"
    if isinstance(error, TingshuoError):
        return error.code, error.message
    if isinstance(error, KeyboardInterrupt | SystemExit | asyncio.CancelledError):
        return INTERRUPTED
    return "server_error", f"the server failed ({type(error).__name__})"


def closing(settings: Settings, job: Job, *, keep_input: bool = True) -> dict[str, Any]:
    """What becomes of the request of a queued job when it ends: texts go, and so does an upload unless it is kept.

    An upload that goes stays `input_held` until its blob is removed, after the row is written.
    """
    columns: dict[str, Any] = {"request": kept(job.request, keep_text=settings.keep_text)}
    if job.input_blob and keep_input and keeps_audio(settings, job.kind):
        ending = job.input_blob.rpartition(".")[2] if "." in job.input_blob else None
        kept_as = {"audio_name": job.input_blob, "audio_size": job.input_size, "audio_format": ending}
        columns |= {**kept_as, "input_held": False}
    return columns


def model_of(engine: Engine) -> dict[str, str | None]:
    """The columns that say with which engine and weights a job was done."""
    made = {"engine": engine.name, "engine_version": engine.version[:80]}
    try:
        model = engine.model()
        return {
            **made,
            "model_name": model.name[:200],
            "model_origin": model.origin,
            "model_checksum": checksum(model),
        }
    except (TingshuoError, OSError):  # the engine says so itself when it is called
        return {**made, "model_name": None, "model_origin": None, "model_checksum": None}


def labels_of(kind: str, parameters: Mapping[str, Any], result: Mapping[str, Any] | None) -> str | None:
    """The emotions and events of a job, to search by: `;emotion=happy;event=laughter;`, None where there are none."""
    labels: dict[str, None] = {}
    if kind == "speech" and parameters.get("emotion"):
        labels[f"emotion={parameters['emotion']}"] = None
    if kind == "transcription":
        for segment in (result or {}).get("segments") or []:
            if segment.get("emotion"):
                labels[f"emotion={segment['emotion']['label']}"] = None
            labels.update({f"event={event['label']}": None for event in segment.get("events") or []})
    return f";{';'.join(labels)};" if labels else None


def keeps_audio(settings: Settings, kind: str) -> bool:
    """Whether the settings keep the audio of a job of this kind: an upload, or what was synthesised."""
    return settings.keep_audio == "all" or (settings.keep_audio == "output" and kind != "transcription")


def _store_audio(settings: Settings, recording: Recording, kind: Kind, attempt: int) -> dict[str, Any]:
    """Store the audio if it is to be kept, and give the columns that say so."""
    always = keeps_audio(settings, kind)
    if recording.audio is None or not (always or recording.link_expires):
        return {}
    # Attempts may overlap, when one was taken for dead; each has its own file.
    name = "audio" if attempt == 1 else f"audio-{attempt}"
    name += f".{recording.audio_format}" if recording.audio_format else ""
    size = blobs.store(settings).write(recording.id, name, recording.audio)
    expires = None if always else recording.link_expires
    return {
        "audio_format": recording.audio_format,
        "audio_size": size,
        "audio_name": name,
        "audio_expires_at": expires,
    }
