"""What a client says in a realtime session: its JSON events, checked, as orders that are carried out one by one."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tingshuo.api.realtime_config import SessionConfig, updated
from tingshuo.errors import InvalidAudio, InvalidRequest, LimitExceeded
from tingshuo.g711 import decode_a_law, decode_mu_law
from tingshuo.types import Samples

#: Characters of one event: some fifteen seconds of sound, of which clients send a tenth of a second at a time.
MESSAGE_CHARACTERS = 2 * 2**20

_APPEND = "input_audio_buffer.append"
_KINDS = (_APPEND, "input_audio_buffer.commit", "input_audio_buffer.clear", "session.update")
_OLD_UPDATE = "transcription_session.update"


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """Sound goes on."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class Commit:
    """What was heard since the last turn is one."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget what was heard since the last turn."""


@dataclass(frozen=True, slots=True)
class Update:
    """Listen in another way from here on; `old` tells the shape to answer in."""

    config: SessionConfig
    old: bool


Order: TypeAlias = Append | Commit | Clear | Update


def event_of(text: str | None) -> dict[str, Any]:
    """The JSON object in a frame. Raises `InvalidRequest`."""
    if text is None:
        raise InvalidRequest("binary frames are not taken; send JSON with the audio in base64")
    if len(text) > MESSAGE_CHARACTERS:
        raise LimitExceeded(f"the event has {len(text)} characters; at most {MESSAGE_CHARACTERS}; send less at a time")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the event is not JSON: {str(error)[:100]}") from error
    if not isinstance(found, dict):
        raise InvalidRequest("the event is not a JSON object with a `type`")
    if "\\u" in text:  # no other way to spell one
        _check_unicode(found)
    return found


def _check_unicode(event: dict[str, Any]) -> None:
    """Half of a surrogate pair could not be told back in a frame, nor written anywhere."""
    try:
        json.dumps(event, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise InvalidRequest("the event holds half of a character, as in \\ud800") from error


def event_id(event: dict[str, Any]) -> str | None:
    """The id that the client gave its event."""
    given = event.get("event_id")
    return given if isinstance(given, str) and len(given) <= 512 else None


def order_of(event: dict[str, Any], config: SessionConfig) -> Order:
    """What an event asks for in a session that listens as `config` says. Raises `InvalidRequest`."""
    match event.get("type"):
        case "input_audio_buffer.append":
            return Append(_samples(event.get("audio"), config))
        case "input_audio_buffer.commit":
            return Commit(event_id(event))
        case "input_audio_buffer.clear":
            return Clear()
        case "session.update" | "transcription_session.update" as kind:
            old = kind == _OLD_UPDATE
            return Update(updated(config, event.get("session"), old=old), old)
        case other:
            shown = repr(other)[:80]
            known = ", ".join((*_KINDS, _OLD_UPDATE))
            raise InvalidRequest(f"a transcription session takes no event {shown}; it takes: {known}", param="type")


def _samples(audio: object, config: SessionConfig) -> Samples:
    if not isinstance(audio, str):
        raise InvalidRequest("the event has no `audio`: sound in base64", param="audio")
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidAudio(f"the audio is not base64: {error}", param="audio") from error
    if config.encoding == "audio/pcmu":
        return decode_mu_law(data)
    if config.encoding == "audio/pcma":
        return decode_a_law(data)
    if len(data) % 2:
        raise InvalidAudio(f"the audio has {len(data)} bytes; samples of 16 bits have two each", param="audio")
    scaled: Samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    return scaled
