"""SAMBERT-HiFiGAN voices for Tingshuo: own inference for the official checkpoints of ModelScope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tingshuo import Engine, Settings, hookimpl

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter

    from tingshuo.engines import Engines

__version__ = "0.1.0"
__all__ = ["register_commands", "register_engines", "register_routes"]


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    """The `sambert_hifigan` synthesizer. Imports no torch; raises `ConfigurationError` for a wrong setting."""
    from tingshuo_sambert_hifigan.engine import SambertHifigan

    return [SambertHifigan(settings)]


@hookimpl
def register_commands(cli: typer.Typer, models: typer.Typer) -> None:
    """`tingshuo frontend`, `tingshuo lexicon`, `tingshuo models check` and `tingshuo models trace`."""
    from tingshuo_sambert_hifigan.commands import check, trace
    from tingshuo_sambert_hifigan.frontend.command import frontend
    from tingshuo_sambert_hifigan.lexicon_command import lexicon

    cli.command()(frontend)
    cli.add_typer(lexicon, name="lexicon")
    models.command()(check)
    models.command()(trace)


@hookimpl
def register_routes(settings: Settings, engines: Engines) -> Iterable[APIRouter]:
    """POST /v1/frontend and the routes of /v1/lexicon."""
    from tingshuo_sambert_hifigan.routes import routers

    return routers(settings, engines)
