"""What every route works with: settings, engines and history, held by the application while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends, Request

from tingshuo.auth import Caller
from tingshuo.engines import Engines
from tingshuo.jobs import History
from tingshuo.queues.plane import JobPlane
from tingshuo.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


def _workers(settings: Settings) -> CapacityLimiter:
    # More threads than one engine's queue takes, so that a full queue answers instead of a hidden one growing.
    return CapacityLimiter(2 * settings.engine_queue + 8)


@dataclass(frozen=True, slots=True)
class Services:
    """One per application. `workers` bounds the threads that engines keep busy; those of `look` stay free."""

    settings: Settings
    engines: Engines
    history: History
    workers: CapacityLimiter = field(init=False)
    plane: JobPlane = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "workers", _workers(self.settings))
        object.__setattr__(self, "plane", JobPlane(self.settings, self.engines, self.history.leases))

    async def work(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a call that decodes, infers or encodes, made in a thread; the event loop goes on."""
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs), limiter=self.workers)

    async def look(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a call that reads or writes the disk, made in a thread that waits for no engine."""
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs))


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    services: Services = request.app.state.services
    return services


def caller_of(request: Request) -> Caller:
    """Who sent the request; set by the route class that let it in."""
    caller: Caller = request.state.caller
    return caller


ServicesOf = Annotated[Services, Depends(services_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
