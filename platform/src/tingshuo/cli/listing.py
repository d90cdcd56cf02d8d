"""`tingshuo engines` and `tingshuo voices`: what is installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tingshuo.cli.console import emit, table

if TYPE_CHECKING:
    from tingshuo.engines import EngineStatus

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]


def _engine_row(status: EngineStatus) -> dict[str, Any]:
    engine, model = status.engine, status.model
    return {
        "name": status.name,
        "kind": engine.kind if engine else None,
        "version": engine.version if engine else None,
        "state": status.state,
        "reason": status.reason or None,
        "model": model.name if model else None,
        "model_origin": model.origin if model else None,
        "device": engine.device if engine else None,
        "licence": engine.licence if engine else None,
        "source": engine.source if engine else None,
    }


def engines(as_json: AsJson = False) -> None:
    """List the engines with the model each one uses, and why one cannot be used."""
    from tingshuo.engines import Engines
    from tingshuo.settings import load_settings

    rows = [_engine_row(status) for status in Engines(load_settings()).status()]
    if as_json:
        emit(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        row["state"] = ": ".join(filter(None, (row["state"].replace("_", " "), row["reason"])))
    columns = ("name", "kind", "version", "model", "device", "licence", "source", "state")
    table(columns, [[row[column] or "-" for column in columns] for row in rows])


def voices(as_json: AsJson = False) -> None:
    """List every voice with its languages and emotions."""
    from tingshuo.engine import Synthesizer
    from tingshuo.engines import Engines
    from tingshuo.settings import load_settings

    rows = [
        {
            "engine": status.name,
            "voice": voice.name,
            "languages": list(voice.languages),
            "emotions": [str(emotion) for emotion in voice.emotions],
            "description": voice.description,
        }
        for status in Engines(load_settings()).status()
        if isinstance(status.engine, Synthesizer) and status.state != "unavailable"
        for voice in status.engine.voices()
    ]
    if as_json:
        emit(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table(
        ("engine", "voice", "languages", "emotions", "description"),
        [[v if isinstance(v, str) else ", ".join(v) for v in row.values()] for row in rows],
    )
