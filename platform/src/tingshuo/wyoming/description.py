"""What Home Assistant is told of: every engine that works, with its languages, voices and emotions."""

from __future__ import annotations

from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.engines import Engines
from tingshuo.errors import TingshuoError
from tingshuo.wyoming.protocol import (
    AsrModel,
    AsrProgram,
    Attribution,
    Info,
    TtsProgram,
    TtsVoice,
    TtsVoiceSpeaker,
)


def description(engines: Engines) -> Info:
    """The engines, the default ones first: Home Assistant asks the first one of each kind."""
    working = [row.engine for row in engines.status() if row.engine and row.state != "unavailable"]
    first = {engine.name for engine in _defaults(engines)}
    working.sort(key=lambda engine: engine.name not in first)
    return Info(
        asr=[_recognizer(engine) for engine in working if isinstance(engine, Recognizer)],
        tts=[_synthesizer(engine) for engine in working if isinstance(engine, Synthesizer)],
    )


def _defaults(engines: Engines) -> list[Engine]:
    found: list[Engine] = []
    for find in (engines.recognizer, engines.synthesizer):
        try:
            found.append(find())
        except TingshuoError:  # there is none of the kind
            continue
    return found


def _recognizer(engine: Recognizer) -> AsrProgram:
    model = engine.model()
    return AsrProgram(
        name=engine.name,
        description=f"Tingshuo, {engine.name}",
        attribution=_attribution(engine),
        installed=True,
        version=engine.version,
        models=[
            AsrModel(
                name=engine.name,
                description=f"{model.name} ({model.origin})",
                attribution=_attribution(engine),
                installed=True,
                version=engine.version,
                languages=list(engine.languages),
            )
        ],
        supports_transcript_streaming=True,
    )


def _synthesizer(engine: Synthesizer) -> TtsProgram:
    return TtsProgram(
        name=engine.name,
        description=f"Tingshuo, {engine.name}",
        attribution=_attribution(engine),
        installed=True,
        version=engine.version,
        voices=[
            TtsVoice(
                name=voice.name,
                description=voice.description or voice.name,
                attribution=_attribution(engine),
                installed=True,
                version=engine.version,
                languages=list(voice.languages),
                # The protocol knows no emotions: they are the speakers of a voice.
                speakers=[TtsVoiceSpeaker(emotion) for emotion in voice.emotions] if len(voice.emotions) > 1 else None,
            )
            for voice in engine.voices()
        ],
        supports_synthesize_streaming=True,
    )


def _attribution(engine: Engine) -> Attribution:
    return Attribution(name=engine.licence, url=engine.source)
