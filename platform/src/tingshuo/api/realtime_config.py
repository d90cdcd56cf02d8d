"""What a client may set of a realtime session, in both of OpenAI's shapes, and how the session tells it back.

`session.update` (2025) nests everything below `audio.input`; `transcription_session.update`, the older one, is flat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tingshuo.errors import InvalidRequest
from tingshuo.g711 import SAMPLE_RATE as TELEPHONE
from tingshuo.hotwords import MOST_HOTWORDS, hotwords_of
from tingshuo.turns import DEFAULT_SILENCE
from tingshuo.types import TranscribeOptions, VoiceActivity

Encoding: TypeAlias = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
Rate: TypeAlias = Literal[8000, 16000, 24000, 48000]

_OLD_FORMATS: Mapping[str, Encoding] = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
#: Hz of OpenAI's own sessions, and the turn detection that they begin with.
_OPENAI_RATE = 24_000
_SERVER_VAD = VoiceActivity(threshold=0.5, silence=DEFAULT_SILENCE, padding=0.3)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Transcription(_Strict):
    model: str | None = None
    language: str | None = None
    languages: list[str] | None = Field(default=None, max_length=100)
    #: As long as the field of a form may be. It is taken apart where all sessions are waited on.
    prompt: str | None = Field(default=None, max_length=2**16)
    keywords: list[str] | None = Field(default=None, max_length=MOST_HOTWORDS)
    #: OpenAI's trade of speed for quality; the engines have none, and it changes no result.
    delay: str | None = None


class _TurnDetection(_Strict):
    type: Literal["server_vad"] = "server_vad"
    threshold: float | None = Field(None, ge=0, le=1)
    prefix_padding_ms: int | None = Field(None, ge=0, le=5_000)
    silence_duration_ms: int | None = Field(None, ge=100, le=5_000)
    #: Of conversations with answers, which these sessions are not.
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout_ms: None = None


class _NoiseReduction(_Strict):
    type: Literal["near_field", "far_field"] | None = None
    strength: float | None = None


class _Format(_Strict):
    type: Encoding = "audio/pcm"
    rate: Rate | None = None


class _Input(_Strict):
    format: _Format | None = None
    noise_reduction: _NoiseReduction | None = None
    transcription: _Transcription | None = None
    turn_detection: _TurnDetection | None = None


class _Audio(_Strict):
    input: _Input | None = None


class _Session(_Strict):
    type: Literal["transcription"]
    audio: _Audio | None = None
    include: list[Any] | None = Field(None, max_length=0)


class _OldSession(_Strict):
    input_audio_format: Literal["pcm16", "g711_ulaw", "g711_alaw"] | None = None
    input_audio_transcription: _Transcription | None = None
    input_audio_noise_reduction: _NoiseReduction | None = None
    turn_detection: _TurnDetection | None = None
    modalities: list[str] | None = None
    include: list[Any] | None = Field(None, max_length=0)


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """How a session listens. `turns` is None where the client commits by itself."""

    model: str = ""
    language: str = "auto"
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    encoding: Encoding = "audio/pcm"
    sample_rate: int = _OPENAI_RATE
    turns: VoiceActivity | None = _SERVER_VAD
    noise_reduction: str | None = None

    def options(self) -> TranscribeOptions:
        """What the recogniser and the platform are told for each turn."""
        return TranscribeOptions(
            language=self.language,
            languages=self.languages,
            denoise=self.noise_reduction is not None,
            hotwords=hotwords_of(self.prompt, self.keywords),
        )

    def document(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as `session.created` and `session.updated` tell it."""
        telephone = self.encoding != "audio/pcm"
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "type": "transcription",
            "expires_at": expires_at,
            "audio": {
                "input": {
                    "format": {"type": self.encoding}
                    if telephone
                    else {"type": self.encoding, "rate": self.sample_rate},
                    "transcription": self._transcription(),
                    "noise_reduction": {"type": self.noise_reduction} if self.noise_reduction else None,
                    "turn_detection": self._turn_detection(),
                }
            },
            "include": None,
        }

    def old_document(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as `transcription_session.created` and `transcription_session.updated` tell it."""
        names = {encoding: name for name, encoding in _OLD_FORMATS.items()}
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "expires_at": expires_at,
            "input_audio_format": names[self.encoding],
            "input_audio_transcription": self._transcription(),
            "input_audio_noise_reduction": {"type": self.noise_reduction} if self.noise_reduction else None,
            "turn_detection": self._turn_detection(),
            "modalities": ["text"],
            "client_secret": None,
        }

    def _transcription(self) -> dict[str, Any]:
        told: dict[str, Any] = {"model": self.model, "language": None if self.language == "auto" else self.language}
        return {**told, "languages": list(self.languages), "prompt": self.prompt, "keywords": list(self.keywords)}

    def _turn_detection(self) -> dict[str, Any] | None:
        if self.turns is None:
            return None
        return {
            "type": "server_vad",
            "threshold": self.turns.threshold,
            "prefix_padding_ms": round(1000 * (self.turns.padding or 0)),
            "silence_duration_ms": round(1000 * (self.turns.silence or 0)),
        }


def updated(config: SessionConfig, session: object, *, old: bool) -> SessionConfig:
    """`config` with what an update sets; what it leaves out stays. Raises `InvalidRequest`."""
    try:
        given = _flat(_OldSession.model_validate(session)) if old else _nested(_Session.model_validate(session))
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(("session", *map(str, found["loc"])))
        raise InvalidRequest(f"{place}: {found['msg']}", param=place) from error
    for name, part in given.items():
        config = _APPLY[name](config, part)
    config.options()  # raises for hotwords that are too many
    return config


def _nested(session: _Session) -> dict[str, Any]:
    inputs = session.audio.input if session.audio else None
    return {name: getattr(inputs, name) for name in inputs.model_fields_set} if inputs else {}


def _flat(session: _OldSession) -> dict[str, Any]:
    names = {
        "input_audio_format": "format",
        "input_audio_transcription": "transcription",
        "input_audio_noise_reduction": "noise_reduction",
        "turn_detection": "turn_detection",
    }
    given = {names[name]: getattr(session, name) for name in session.model_fields_set if name in names}
    if given.get("format"):
        given["format"] = _Format(type=_OLD_FORMATS[given["format"]])
    return given


def _with_format(config: SessionConfig, part: _Format | None) -> SessionConfig:
    part = part or _Format()
    if part.type != "audio/pcm" and part.rate not in (None, TELEPHONE):
        raise InvalidRequest(
            f"{part.type} has {TELEPHONE} Hz, not {part.rate}", param="session.audio.input.format.rate"
        )
    default = _OPENAI_RATE if part.type == "audio/pcm" else TELEPHONE
    return replace(config, encoding=part.type, sample_rate=part.rate or default)


def _with_transcription(config: SessionConfig, part: _Transcription | None) -> SessionConfig:
    part = part or _Transcription()
    return replace(
        config,
        model=part.model or "",
        language=(part.language or "auto").lower().partition("-")[0],
        languages=tuple(part.languages or ()),
        prompt=part.prompt or "",
        keywords=tuple(part.keywords or ()),
    )


def _with_noise_reduction(config: SessionConfig, part: _NoiseReduction | None) -> SessionConfig:
    return replace(config, noise_reduction=part.type if part else None)


def _with_turn_detection(config: SessionConfig, part: _TurnDetection | None) -> SessionConfig:
    if part is None:
        return replace(config, turns=None)
    given = {"threshold": part.threshold}
    for name, milliseconds in (("silence", part.silence_duration_ms), ("padding", part.prefix_padding_ms)):
        given[name] = None if milliseconds is None else milliseconds / 1000
    set_ones = {name: value for name, value in given.items() if value is not None}
    return replace(config, turns=replace(_SERVER_VAD, **set_ones))


_APPLY: Mapping[str, Any] = {
    "format": _with_format,
    "transcription": _with_transcription,
    "noise_reduction": _with_noise_reduction,
    "turn_detection": _with_turn_detection,
}
