"""Events on the wire: a line of JSON, further JSON, bytes. The classes are those of the package `wyoming`.

Reading is ours: the package's `async_read_event` takes as many bytes as the other side announces.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

with warnings.catch_warnings():
    # It imports audioop, which Python 3.11 and 3.12 call deprecated; on 3.13 it has its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
    from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.error import Error
    from wyoming.event import Event, async_write_event
    from wyoming.info import (
        AsrModel,
        AsrProgram,
        Attribution,
        Describe,
        Info,
        SelectProgram,
        TtsProgram,
        TtsVoice,
        TtsVoiceSpeaker,
    )
    from wyoming.ping import Ping, Pong
    from wyoming.tts import (
        Synthesize,
        SynthesizeChunk,
        SynthesizeStart,
        SynthesizeStop,
        SynthesizeStopped,
        SynthesizeVoice,
    )

from tingshuo.errors import InvalidRequest

__all__ = [
    "AsrModel",
    "AsrProgram",
    "Attribution",
    "AudioChunk",
    "AudioStart",
    "AudioStop",
    "Describe",
    "Error",
    "Event",
    "Info",
    "Ping",
    "Pong",
    "SelectProgram",
    "Synthesize",
    "SynthesizeChunk",
    "SynthesizeStart",
    "SynthesizeStop",
    "SynthesizeStopped",
    "SynthesizeVoice",
    "Transcribe",
    "Transcript",
    "TranscriptChunk",
    "TranscriptStart",
    "TranscriptStop",
    "TtsProgram",
    "TtsVoice",
    "TtsVoiceSpeaker",
    "async_write_event",
    "read_event",
]

#: Bytes of an event's line (the reader's own limit), of its further JSON, and of its sound (half a minute at 16 kHz).
MOST_LINE, MOST_DATA, MOST_PAYLOAD = 2**16, 2**18, 2**20


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None where the other side has closed. Raises `InvalidRequest` for what is none."""
    try:
        line = await reader.readline()
        if not line:
            return None
        head = _object(line)
        data = head.get("data") or {}
        if not isinstance(data, dict):
            raise ValueError(f"data is {str(data)[:40]!r}, no JSON object")
        if length := _length(head, "data_length", MOST_DATA):
            data = {**data, **_object(await reader.readexactly(length))}
        length = _length(head, "payload_length", MOST_PAYLOAD)
        payload = await reader.readexactly(length) if length else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except (ValueError, TypeError, RecursionError) as error:  # the first also for a line that is too long
        raise InvalidRequest(f"this is no event of the Wyoming protocol: {str(error)[:100]}") from error
    kind = head.get("type")
    if not isinstance(kind, str):
        raise InvalidRequest("an event has no type")
    return Event(kind, data, payload)


def _object(text: bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"{str(found)[:40]!r} is no JSON object")
    if b"\\u" in text:  # half of a character could not be told back, nor written anywhere
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _length(head: dict[str, Any], name: str, most: int) -> int:
    length = head.get(name) or 0
    if not isinstance(length, int) or not 0 <= length <= most:
        raise ValueError(f"{name} is {str(length)[:40]}; it must lie between 0 and {most}")
    return length
