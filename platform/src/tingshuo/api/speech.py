"""POST /v1/audio/speech: text in, audio out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.audio import FORMATS, encode
from tingshuo.errors import InvalidRequest, UnsupportedFormat
from tingshuo.types import Audio, Emotion, Utterance
from tingshuo.validation import parse_emotion

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
    instructions: str = Field("", description="The bare name of an emotion is taken as one; anything else is ignored.")
    stream_format: Literal["audio", "sse"] = Field("audio", description="Only audio.")
    emotion: str = Field("", description=f"One of {', '.join(Emotion)}, as far as the voice can. Default: neutral.")
    intensity: float = Field(1.0, description="0 is neutral, 1 as the voice does it, at most 2.")
    pitch: float = Field(0.0, description="Semitones, -12 to 12.")
    volume: float = Field(1.0, description="Factor on the amplitude, 0 to 4.")
    extra: dict[str, Any] = Field({}, description="Options that the engine declares.")

    def utterance(self) -> Utterance:
        """The utterance meant; raises `UnsupportedEmotion`."""
        return Utterance(
            text=self.input,
            voice=self.voice if isinstance(self.voice, str) else self.voice.id,
            emotion=self._emotion(),
            intensity=self.intensity,
            speed=self.speed,
            pitch=self.pitch,
            volume=self.volume,
            extra=self.extra,
        )

    def _emotion(self) -> Emotion:
        if self.emotion:
            return parse_emotion(self.emotion)
        # Free instructions are for models that follow them; ours follow an emotion, if one is plainly named.
        plain = self.instructions.strip().lower()
        return Emotion(plain) if plain in set(Emotion) else Emotion.NEUTRAL


@dataclass(frozen=True, slots=True)
class Spoken:
    """A rendered utterance: the job that did it, the sound, and the sound as a file."""

    job_id: str
    audio: Audio
    content: bytes


@router.post("/v1/audio/speech", response_class=Response, responses={200: {"content": {"audio/mpeg": {}}}})
async def create_speech(body: SpeechBody, services: ServicesOf, caller: CallerOf) -> Response:
    """Speak a text with an emotion."""
    if body.stream_format == "sse":
        raise InvalidRequest(
            "stream_format 'sse' is not supported; leave it out or send 'audio'", param="stream_format"
        )
    spoken = await services.work(
        speak, services, body.utterance(), engine=body.model, audio_format=body.response_format, caller=caller.id
    )
    return Response(spoken.content, media_type=FORMATS[body.response_format], headers={"x-tingshuo-job": spoken.job_id})


def speak(
    services: Services,
    utterance: Utterance,
    *,
    engine: str,
    audio_format: str,
    caller: str,
    link_expires: datetime | None = None,
) -> Spoken:
    """Render an utterance and record the job. Blocks; raises what `Engines.synthesize` and the history raise."""
    if audio_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UnsupportedFormat(f"no response_format {audio_format!r}; there are: {known}", param="response_format")
    synthesizer = services.engines.synthesizer(engine)
    ready = services.engines.validated(synthesizer, utterance)
    parameters = {**_parameters(ready), "response_format": audio_format}
    with services.history.record("speech", synthesizer, parameters, caller=caller, input_text=ready.text) as job:
        audio = services.engines.synthesize(ready, synthesizer.name)
        content = encode(audio, audio_format)
        job.finish(
            {"duration": audio.duration, "sample_rate": audio.sample_rate},
            audio_seconds=audio.duration,
            characters=len(ready.text),
            audio=content,
            audio_format=audio_format,
            link_expires=link_expires,
        )
    return Spoken(job.id, audio, content)


def _parameters(utterance: Utterance) -> Mapping[str, object]:
    return {key: value for key, value in asdict(utterance).items() if key != "text"}
