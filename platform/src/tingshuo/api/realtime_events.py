"""What the server says in a realtime session, in OpenAI's shapes; what OpenAI has no field for is under `tingshuo`."""

from __future__ import annotations

import secrets
from typing import Any, TypeAlias

from tingshuo.documents import emotion_document, hotwords_document, segment_document
from tingshuo.errors import TingshuoError
from tingshuo.types import Transcript

Event: TypeAlias = dict[str, Any]

_ITEM = "conversation.item.input_audio_transcription"


def new_id(kind: str) -> str:
    """`item_…`, `event_…`, `sess_…`: ids that cannot be guessed."""
    return f"{kind}_{secrets.token_hex(12)}"


def event(kind: str, **fields: object) -> Event:
    """An event of that type with an id of its own."""
    return {"event_id": new_id("event"), "type": kind, **fields}


def error(cause: TingshuoError, client_event: str | None = None) -> Event:
    """Something the client asked for could not be; `client_event` is the id of its event, if it had one."""
    return event("error", error={**_envelope(cause), "event_id": client_event})


def speech_started(item: str, seconds: float) -> Event:
    """Somebody began to speak so many seconds after the first sound of the session."""
    return event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=round(1000 * seconds))


def speech_stopped(item: str, seconds: float) -> Event:
    """They stopped."""
    return event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=round(1000 * seconds))


def committed(item: str, previous: str | None) -> Event:
    """A turn is complete and will be transcribed."""
    return event("input_audio_buffer.committed", item_id=item, previous_item_id=previous)


def delta(item: str, text: str, partial: str) -> Event:
    """`text`, what is new and will stay; `partial`, all that is heard so far and may yet change."""
    return event(f"{_ITEM}.delta", item_id=item, content_index=0, delta=text, tingshuo={"text": partial})


def completed(item: str, transcript: Transcript, job_id: str, engine: str) -> Event:
    """The text of a turn, with its emotion and sound events."""
    longest = max(transcript.segments, key=lambda segment: segment.end - segment.start, default=None)
    ours = {
        "job": job_id,
        "engine": engine,
        "language": transcript.language,
        "duration": round(transcript.duration, 3),
        "emotion": emotion_document(longest) if longest else None,
        "events": [one for segment in transcript.segments for one in segment_document(segment)["events"]],
        "hotwords": hotwords_document(transcript),
        "segments": [segment_document(segment) for segment in transcript.segments],
    }
    return event(
        f"{_ITEM}.completed",
        item_id=item,
        content_index=0,
        transcript=transcript.text,
        languages=[{"code": transcript.language}] if transcript.language else [],
        usage={"type": "duration", "seconds": round(transcript.duration, 3)},
        tingshuo=ours,
    )


def failed(item: str, cause: TingshuoError) -> Event:
    """A turn could not be transcribed."""
    return event(f"{_ITEM}.failed", item_id=item, content_index=0, error=_envelope(cause))


def _envelope(cause: TingshuoError) -> dict[str, str | None]:
    return {"type": cause.type, "code": cause.code, "message": cause.message, "param": cause.param}
