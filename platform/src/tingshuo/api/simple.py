"""POST /tts: the one-call interface. A text and an emotion in, the address of a wav file out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.jobs import audio_path
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.api.spoken import Order, speak
from tingshuo.api.streaming import wanted
from tingshuo.errors import TingshuoError
from tingshuo.links import sign
from tingshuo.types import Emotion, Utterance
from tingshuo.validation import parse_emotion

router = APIRouter(route_class=needs("speak"), tags=["simple"])

LINK_LIFE = timedelta(hours=24)


class SimpleBody(Body):
    """What to say."""

    text: str
    emotion: str = Field("neutral", description=f"One of {', '.join(Emotion)}, as far as the voice can.")
    speed: float = Field(1.0, description="Factor on the tempo, 0.25 to 4.")
    voice: str = Field("", description="A voice of the default engine; empty: its first.")


class SimpleReply(BaseModel):
    """Where the audio lies. duration: seconds; sample_rate: Hz."""

    status: Literal["success"]
    audio_url: str
    duration: float
    sample_rate: int


@router.post("/tts", response_model=SimpleReply)
@router.post("/synthesize", response_model=SimpleReply)
async def create_simple_speech(
    body: SimpleBody, request: Request, services: ServicesOf, caller: CallerOf
) -> JSONResponse:
    """Speak a text and answer with a link to the wav file. The link needs no key and is good for 24 hours."""
    expires = datetime.now(UTC) + LINK_LIFE
    utterance = Utterance(body.text, body.voice, parse_emotion(body.emotion), speed=body.speed)
    try:
        spoken = await wanted(request, services, speak, services, Order(utterance, "", "wav", caller.id, expires))
    except TingshuoError as error:
        error.param = "text" if error.param == "input" else error.param
        raise
    path = audio_path(spoken.job_id)
    link = f"{str(request.base_url).rstrip('/')}{path}?{sign(services.settings, path, expires)}"
    reply = SimpleReply(
        status="success",
        audio_url=link,
        duration=round(spoken.audio.duration, 3),
        sample_rate=spoken.audio.sample_rate,
    )
    return JSONResponse(reply.model_dump(), headers={"x-tingshuo-job": spoken.job_id})
