"""The application: routers, middleware, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

import tingshuo
from tingshuo import db
from tingshuo.allowlist import AllowList
from tingshuo.api import envelope, health, home, jobs, models, roundtrips, simple, speech, transcriptions
from tingshuo.api.request_id import RequestId
from tingshuo.api.services import Services
from tingshuo.engines import Engines
from tingshuo.errors import ConfigurationError, StorageFailed, TingshuoError
from tingshuo.jobs import History
from tingshuo.secret import server_secret
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks for audio whose link has expired.
_EXPIRY_PERIOD = 600.0


def create_app(settings: Settings, engines: Engines | None = None) -> FastAPI:
    """The API over `engines`, or over those of the installed plugins (which it then closes when it stops).

    `app.state.engines` has the engines. The database is brought up to date when the application starts; what is
    wrong with the settings raises `ConfigurationError` then.
    """
    services = Services(settings, engines or Engines(settings), History(settings))
    app = FastAPI(
        title="Tingshuo",
        version=tingshuo.__version__,
        lifespan=_lifespan(services, owned=engines is None),
        # FastAPI's own pages load their scripts from the internet; ours is in home.py.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services, app.state.engines = services, services.engines
    envelope.install(app)
    app.include_router(home.router)
    app.include_router(health.router)
    # Access is decided by the route classes; the dependency only tells OpenAPI of the key.
    key = [Depends(HTTPBearer(auto_error=False, description="An API key, `ts-…`."))]
    for module in (speech, transcriptions, roundtrips, models, jobs, simple):
        app.include_router(module.router, dependencies=key)
    app.include_router(jobs.linked, dependencies=key)
    app.add_middleware(AllowList, settings=settings)
    app.add_middleware(RequestId)  # the last one added is the outermost
    return app


def _lifespan(services: Services, *, owned: bool) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(_start, services)
        expiry = asyncio.create_task(_expire_audio(services))
        try:
            yield
        finally:
            expiry.cancel()
            with suppress(asyncio.CancelledError):
                await expiry
            await anyio.to_thread.run_sync(_stop, services, owned)

    return lifespan


def _start(services: Services) -> None:
    settings = services.settings
    server_secret(settings)
    db.upgrade(settings)
    try:
        lost = services.history.recover()
    except (OSError, StorageFailed) as error:
        raise ConfigurationError(f"cannot use the data folder {settings.data_dir}: {error}") from error
    if lost:
        log.warning("%d jobs were interrupted when an earlier process ended", lost)
    if settings.preload:
        _preload(services.engines)


def _preload(engines: Engines) -> None:
    for row in engines.status():
        if row.engine and row.state != "unavailable":
            try:
                engines.load(row.name)
            except TingshuoError as error:  # /readyz says so too, and the other engines work
                log.error("cannot load %s: %s", row.name, error.message)


def _stop(services: Services, owned: bool) -> None:
    if owned:
        services.engines.close()
    services.history.close()
    db.dispose(services.settings)


async def _expire_audio(services: Services) -> None:
    while True:
        try:
            await services.look(services.history.expire_audio)
        except StorageFailed as error:
            log.warning("cannot remove expired audio: %s", error.message)
        await asyncio.sleep(_EXPIRY_PERIOD)
