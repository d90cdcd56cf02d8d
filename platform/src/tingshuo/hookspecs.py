"""Every extension point of the platform. A plugin implements them with `tingshuo.hookimpl`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from tingshuo.engine import Engine
from tingshuo.settings import Settings

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter

    from tingshuo.engines import Engines

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


@hookspec
def register_routes(settings: Settings, engines: Engines) -> Iterable[APIRouter]:
    """Routers for the API, behind the platform's own: a path that it has itself stays its own.

    Called once when the application is made; import what is heavy in the routes. Access is what the router's route
    class asks for: `APIRouter(route_class=tingshuo.api.access.needs("speak"))`. Errors of `tingshuo.errors` reach the
    caller in the envelope.
    """
    raise NotImplementedError
