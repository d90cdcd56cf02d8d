"""What there is: models and engines, voices. Lists that OpenAI's clients and Open WebUI read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tingshuo.api.access import ListRoute
from tingshuo.api.services import Services, ServicesOf
from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.engines import RECOGNIZER_ALIASES, SYNTHESIZER_ALIASES, EngineStatus
from tingshuo.errors import UnknownEngine
from tingshuo.types import Model, Voice

router = APIRouter(route_class=ListRoute, tags=["models"])


@router.get("/v1/models")
async def list_models(services: ServicesOf) -> dict[str, Any]:
    """The engines that can be asked for as `model`."""
    return {"object": "list", "data": await services.look(_models, services)}


@router.get("/v1/models/{name}")
async def get_model(name: str, services: ServicesOf) -> dict[str, Any]:
    """One engine; OpenAI's own model names stand for the default ones."""
    return await services.look(_model_called, services, name)


@router.get("/v1/engines")
async def list_engines(services: ServicesOf) -> dict[str, Any]:
    """Every engine and every plugin that failed, with its state and the reason."""
    rows = await services.look(services.engines.status)
    return {"object": "list", "data": [engine_document(row) for row in rows]}


@router.get("/v1/audio/voices")
async def list_voices(services: ServicesOf, model: str = "") -> dict[str, Any]:
    """The voices of the engine `model`, or of all engines, those of the default one first."""
    return {"voices": await services.look(_voices, services, model)}


@router.get("/v1/audio/models")
async def list_speech_models(services: ServicesOf) -> dict[str, Any]:
    """The engines that speak, as Open WebUI asks for them."""
    engines = await services.look(_synthesizers, services)
    return {"models": [{"id": engine.name, "name": engine.name} for engine in engines]}


def _models(services: Services) -> list[dict[str, Any]]:
    return [_model_document(row.engine, row.model) for row in services.engines.status() if row.engine and row.model]


def _model_called(services: Services, name: str) -> dict[str, Any]:
    engines = services.engines
    if name in RECOGNIZER_ALIASES:
        name = engines.recognizer(name).name
    elif name in SYNTHESIZER_ALIASES:
        name = engines.synthesizer(name).name
    for document in _models(services):
        if document["id"] == name:
            return document
    known = ", ".join(document["id"] for document in _models(services)) or "none"
    raise UnknownEngine(f"no model {name!r}; there are: {known}", param="model")


def _model_document(engine: Engine, model: Model) -> dict[str, Any]:
    """OpenAI's four keys, and ours."""
    changed = model.path.stat().st_mtime if model.path and model.path.exists() else 0
    ours: dict[str, Any] = {
        "kind": engine.kind,
        "version": engine.version,
        "model": {"name": model.name, "origin": model.origin},
        "sample_rate": engine.sample_rate,
        "licence": engine.licence,
    }
    if isinstance(engine, Recognizer):
        ours["languages"] = list(engine.languages)
    if isinstance(engine, Synthesizer):
        voices = engine.voices()
        ours["languages"] = list(dict.fromkeys(language for voice in voices for language in voice.languages))
        ours["voices"] = [voice.name for voice in voices]
    return {"id": engine.name, "object": "model", "created": int(changed), "owned_by": "tingshuo", "tingshuo": ours}


def engine_document(row: EngineStatus) -> dict[str, Any]:
    engine, model = row.engine, row.model
    return {
        "name": row.name,
        "kind": engine.kind if engine else None,
        "version": engine.version if engine else None,
        "state": row.state,
        "reason": row.reason or None,
        "loaded": row.loaded,
        # None where the engine shares the server's process.
        "memory_bytes": row.memory_bytes,
        "running": row.running,
        "waiting": row.waiting,
        "model": {"name": model.name, "origin": model.origin} if model else None,
        "device": engine.device if engine else None,
        "licence": engine.licence if engine else None,
        "source": engine.source if engine else None,
    }


def _synthesizers(services: Services) -> list[Synthesizer]:
    """Those that can work, the default one first."""
    usable = [row.engine for row in services.engines.status() if row.state != "unavailable"]
    speaking = [engine for engine in usable if isinstance(engine, Synthesizer)]
    default = services.engines.synthesizer().name if speaking else ""
    return sorted(speaking, key=lambda engine: (engine.name != default, engine.name))


def _voices(services: Services, model: str) -> list[dict[str, Any]]:
    engines = [services.engines.synthesizer(model)] if model else _synthesizers(services)
    return [_voice_document(engine, voice) for engine in engines for voice in engine.voices()]


def _voice_document(engine: Synthesizer, voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.name,
        "name": voice.name,
        "model": engine.name,
        "languages": list(voice.languages),
        "emotions": list(voice.emotions),
        "description": voice.description,
    }
