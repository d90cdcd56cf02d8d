"""POST /v1/roundtrips: the platform listens to what it said."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.services import CallerOf, Services, ServicesOf
from tingshuo.api.streaming import wanted
from tingshuo.errors import LimitExceeded
from tingshuo.reports import item_document
from tingshuo.roundtrip import RoundtripPlan, planned, run
from tingshuo.roundtrip_result import RoundtripResult
from tingshuo.validation import parse_emotion

router = APIRouter(route_class=needs("speak", "transcribe"), tags=["roundtrips"])

#: Utterances of one request; longer suites are for `tingshuo roundtrip`.
MAX_UTTERANCES = 500


class RoundtripBody(Body):
    """What to say, how, and who listens."""

    sentences: list[str] = Field(min_length=1, max_length=MAX_UTTERANCES)
    synthesizer: str = Field("", description="An engine that speaks; empty: the default.")
    recognizer: str = Field("", description="An engine that listens; empty: the default.")
    voices: list[str] = Field([], max_length=MAX_UTTERANCES, description="Empty: every voice that reads `language`.")
    emotions: list[str] = Field([], max_length=20, description="Empty: all that each voice has.")
    language: str = "zh"
    intensity: float = 1.0
    speed: float = 1.0

    def plan(self) -> RoundtripPlan:
        """The plan meant; raises `UnsupportedEmotion`."""
        return RoundtripPlan(
            sentences=tuple(self.sentences),
            synthesizer=self.synthesizer,
            recognizer=self.recognizer,
            voices=tuple(dict.fromkeys(self.voices)),
            emotions=tuple(dict.fromkeys(map(parse_emotion, self.emotions))),
            language=self.language,
            intensity=self.intensity,
            speed=self.speed,
        )


@router.post("/v1/roundtrips")
async def create_roundtrip(
    body: RoundtripBody, request: Request, services: ServicesOf, caller: CallerOf
) -> JSONResponse:
    """Speak every sentence with every voice and emotion, recognise it, and compare text and emotion."""
    job_id, document = await wanted(request, services, _roundtrip, services, body.plan(), caller.id)
    return JSONResponse(document, headers={"x-tingshuo-job": job_id})


def _roundtrip(services: Services, plan: RoundtripPlan, caller: str) -> tuple[str, dict[str, Any]]:
    engines = services.engines
    utterances = planned(engines, plan)
    if len(utterances) > MAX_UTTERANCES:
        raise LimitExceeded(
            f"the plan has {len(utterances)} utterances; at most {MAX_UTTERANCES} are done in one request",
            param="sentences",
        )
    synthesizer, recognizer = engines.synthesizer(plan.synthesizer), engines.recognizer(plan.recognizer)
    parameters = {**asdict(plan), "synthesizer": synthesizer.name, "recognizer": recognizer.name}
    del parameters["sentences"], parameters["keep_audio"]
    text = "\n".join(plan.sentences)
    with services.history.record("roundtrip", synthesizer, parameters, caller=caller, input_text=text) as job:
        result = run(engines, plan)
        document = result_document(result)
        job.finish(
            document,
            audio_seconds=sum(item.audio_seconds for item in result.items),
            characters=sum(len(item.sentence) for item in result.items),
        )
    return job.id, {"object": "roundtrip", "job": job.id, **document}


def result_document(result: RoundtripResult) -> dict[str, Any]:
    """What was found, JSON-ready."""
    return {**result.summary(), "items": [item_document(item) for item in result.items]}
