"""SAMBERT-HiFiGAN voices for Tingshuo: own inference for the official checkpoints of ModelScope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tingshuo import Engine, Settings, hookimpl

if TYPE_CHECKING:
    import typer

__version__ = "0.1.0"
__all__ = ["register_commands", "register_engines"]


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    """The `sambert_hifigan` synthesizer. Imports no torch; raises `ConfigurationError` for a wrong setting."""
    from tingshuo_sambert_hifigan.engine import SambertHifigan

    return [SambertHifigan(settings)]


@hookimpl
def register_commands(cli: typer.Typer, models: typer.Typer) -> None:
    """`tingshuo frontend`, `tingshuo models check` and `tingshuo models trace`."""
    from tingshuo_sambert_hifigan.commands import check, trace
    from tingshuo_sambert_hifigan.frontend.command import frontend

    cli.command()(frontend)
    models.command()(check)
    models.command()(trace)
