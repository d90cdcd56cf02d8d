"""POST /v1/audio/speech: text in, audio out."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.events import EVENTS, telling
from tingshuo.api.instructions import named_emotion
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.api.spoken import Order, check_format, render, speak, speak_along
from tingshuo.api.streaming import Streamed, started, wanted
from tingshuo.audio import FORMATS
from tingshuo.engines import Engines
from tingshuo.errors import InvalidRequest
from tingshuo.types import Emotion, Utterance
from tingshuo.validation import find_voice, parse_emotion

__all__ = ["SpeechBody", "check_format", "render", "router", "speak"]

router = APIRouter(route_class=needs("speak"), tags=["speech"])


class VoiceId(Body):
    """A voice as OpenAI's newer clients name it."""

    id: str


class SpeechBody(Body):
    """What to say and how."""

    input: str = Field(description="The text.")
    model: str = Field("", description="An engine of GET /v1/models; empty or one of OpenAI's names: the default.")
    voice: str | VoiceId = Field("", description="A voice of GET /v1/audio/voices; empty: the engine's first.")
    response_format: str = Field("mp3", description=f"One of {', '.join(FORMATS)}. pcm is 24 kHz, 16 bit, mono.")
    speed: float = Field(1.0, description="Factor on the tempo, 0.25 to 4.")
    instructions: str = Field("", description="An emotion named plainly is taken as one; all else is ignored.")
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="audio: as it comes; sse: as events, in base64."
    )
    stream: bool | None = Field(None, description="Whether to send audio before all is spoken; null: by the format.")
    emotion: str = Field("", description=f"One of {', '.join(Emotion)}, as far as the voice can. Default: neutral.")
    intensity: float = Field(1.0, description="0 is neutral, 1 as the voice does it, at most 2.")
    pitch: float = Field(0.0, description="Semitones, -12 to 12.")
    volume: float = Field(1.0, description="Factor on the amplitude, 0 to 4.")
    extra: dict[str, Any] = Field({}, description="Options that the engine declares.")

    def utterance(self, engines: Engines) -> Utterance:
        """The utterance meant; raises `UnknownEngine`, `UnknownVoice` and `UnsupportedEmotion`."""
        return Utterance(
            text=self.input,
            voice=self._voice(),
            emotion=self._emotion(engines),
            intensity=self.intensity,
            speed=self.speed,
            pitch=self.pitch,
            volume=self.volume,
            extra=self.extra,
        )

    def streamed(self) -> bool:
        """Whether the reply begins before all is spoken. wav and flac tell their length in front, so they wait."""
        if self.stream is not None:
            return self.stream
        asked = "stream_format" in self.model_fields_set
        return asked or self.response_format not in ("wav", "flac")

    def check(self) -> None:
        """Raise what is wrong with the fields by themselves."""
        check_format(self.response_format)
        if self.stream is False and self.stream_format == "sse":
            raise InvalidRequest("stream=false does not go with stream_format 'sse'", param="stream")

    def _voice(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id

    def _emotion(self, engines: Engines) -> Emotion:
        if self.emotion:
            return parse_emotion(self.emotion)
        # Instructions are a wish: one that the voice cannot fulfil is no error.
        named = named_emotion(self.instructions)
        if named is None:
            return Emotion.NEUTRAL
        voice = find_voice(engines.synthesizer(self.model), self._voice())
        return named if named in voice.emotions else Emotion.NEUTRAL


@router.post("/v1/audio/speech", response_class=Response, responses={200: {"content": {"audio/mpeg": {}}}})
async def create_speech(body: SpeechBody, request: Request, services: ServicesOf, caller: CallerOf) -> Response:
    """Speak a text with an emotion."""
    body.check()
    utterance = await services.look(body.utterance, services.engines)
    order = Order(utterance, body.model, body.response_format, caller.id)
    if not body.streamed():
        spoken = await wanted(request, services, speak, services, order)
        return Response(spoken.content, media_type=FORMATS[order.format], headers={"x-tingshuo-job": spoken.job_id})
    as_events = body.stream_format == "sse"
    call = partial(speak_along, services, order, as_events=as_events)
    work = await started(request, services, telling(call) if as_events else call)
    return Streamed(work, EVENTS if as_events else FORMATS[order.format])
