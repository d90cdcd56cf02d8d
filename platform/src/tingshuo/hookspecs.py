"""Every extension point of the platform. A plugin implements them with `tingshuo.hookimpl`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from tingshuo.engine import Engine
from tingshuo.settings import Settings

if TYPE_CHECKING:
    import typer

#: Name of the pluggy project and of the entry-point group a plugin registers under.
GROUP = "tingshuo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def register_engines(settings: Settings) -> Iterable[Engine]:
    """The engines this plugin brings.

    Called at start-up in every process, so it must be cheap: import no torch, read no weights. A plugin's own
    settings are `settings.for_engine("name")`: the environment's TINGSHUO_NAME_* variables.
    """
    raise NotImplementedError


@hookspec
def register_commands(cli: typer.Typer, models: typer.Typer) -> None:
    """Add commands to `tingshuo` (`cli`) or to `tingshuo models` (`models`), where none of that name is there yet.

    Called when a command that the platform does not have is run, and for the help. Import late: the help waits.
    """
    raise NotImplementedError
