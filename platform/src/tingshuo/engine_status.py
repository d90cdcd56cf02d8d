"""How an engine is: whether it can work, what it uses, how much it has to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tingshuo.engine import Engine
from tingshuo.errors import TingshuoError
from tingshuo.isolation import Isolated
from tingshuo.types import Model
from tingshuo.workplace import Workplace

State: TypeAlias = Literal["ready", "not_loaded", "unavailable"]


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One line of `tingshuo engines`. `engine` is None for a plugin that could not be imported."""

    name: str
    engine: Engine | None
    state: State
    model: Model | None = None
    reason: str = ""
    loaded: bool = False
    #: Unix seconds; None before the first use.
    last_used: float | None = None
    #: Bytes of an engine in a process of its own; None where it shares ours.
    memory_bytes: int | None = None
    #: Calls in work and in the queue.
    running: int = 0
    waiting: int = 0


def status_of(workplace: Workplace) -> EngineStatus:
    """How the engine of a workplace is now."""
    engine, residency, gate = workplace.engine, workplace.residency, workplace.gate
    loaded, memory_bytes, model, reason = residency.loaded, None, None, residency.reason
    if isinstance(engine, Isolated):
        loaded, memory_bytes = loaded and engine.host.alive, engine.host.memory_bytes
        reason = reason or engine.host.trouble
    state: State = "ready" if loaded else "not_loaded"
    try:
        model = engine.model()
    except TingshuoError as error:
        reason = error.message
    return EngineStatus(
        engine.name,
        engine,
        "unavailable" if reason else state,
        model,
        reason,
        loaded=loaded,
        last_used=residency.last_used,
        memory_bytes=memory_bytes,
        running=gate.running,
        waiting=gate.waiting,
    )
