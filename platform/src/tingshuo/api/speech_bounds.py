"""`chunking_strategy` of a transcription: how speech is told from silence."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from tingshuo.api.bodies import Body
from tingshuo.errors import InvalidRequest
from tingshuo.types import VoiceActivity


class ServerVad(Body):
    """OpenAI's values for voice activity detection; what is left out is the engine's own."""

    type: Literal["server_vad"]
    threshold: float | None = Field(None, ge=0, le=1)
    silence_duration_ms: int | None = Field(None, ge=0, le=10_000)
    prefix_padding_ms: int | None = Field(None, ge=0, le=10_000)

    def activity(self) -> VoiceActivity:
        """The same as an engine takes it."""
        return VoiceActivity(self.threshold, _seconds(self.silence_duration_ms), _seconds(self.prefix_padding_ms))


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _parsed(value: object) -> object:
    """`auto` means the engine's own values. A form may hold the object as JSON."""
    if value == "auto":
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict | ServerVad):
        raise InvalidRequest(
            'chunking_strategy is neither "auto" nor an object {"type": "server_vad", …}', param="chunking_strategy"
        )
    return value


ChunkingStrategy: TypeAlias = Annotated[
    ServerVad | None,
    BeforeValidator(_parsed),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "object"}], "default": "auto"}),
]
