"""The application: routers, middleware, and what happens when it starts and stops."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer

import tingshuo
from tingshuo import db, plugins
from tingshuo.allowlist import AllowList
from tingshuo.api import (
    batches,
    calls,
    envelope,
    health,
    home,
    job_life,
    jobs,
    keys,
    me,
    models,
    realtime,
    retention,
    roundtrips,
    simple,
    speech,
    submissions,
    system,
    transcriptions,
    transcripts,
    usage,
    webhooks,
)
from tingshuo.api import client_secrets as client_secret_routes
from tingshuo.api import engines as engine_routes
from tingshuo.api import metrics as metrics_route
from tingshuo.api.observation import Observation
from tingshuo.api.request_id import RequestId
from tingshuo.api.services import Services
from tingshuo.drain import DRAIN
from tingshuo.engines import Engines
from tingshuo.errors import ConfigurationError, StorageFailed, TingshuoError
from tingshuo.jobs import History
from tingshuo.queues.plane import QUEUES
from tingshuo.secret import server_secret
from tingshuo.settings import Settings
from tingshuo.tracing import TRACING

log = logging.getLogger(__name__)


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
    for router in (
        jobs.linked,
        submissions.router,
        submissions.batches,
        submissions.replays,
        job_life.router,
        transcripts.router,
        batches.router,
        webhooks.router,
    ):
        app.include_router(router, dependencies=key)
    for module in (calls, me, keys, usage, engine_routes, system, retention, metrics_route, client_secret_routes):
        app.include_router(module.router, dependencies=key)
    app.include_router(realtime.router)
    for router in _of_plugins(services):
        app.include_router(router, dependencies=key)
    app.add_middleware(AllowList, settings=settings)
    app.add_middleware(Observation)
    app.add_middleware(RequestId)  # the last one added is the outermost
    return app


def _of_plugins(services: Services) -> list[APIRouter]:
    """The routers that plugins bring."""
    routers, failures = plugins.routes(services.settings, services.engines)
    for failure in failures:
        log.error("the routes of plugin %s are left out: %s", failure.plugin, failure.reason)
    return routers


def _lifespan(services: Services, *, owned: bool) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(_start, services)
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(_stop, services, owned)

    return lifespan


def _start(services: Services) -> None:
    settings = services.settings
    TRACING.start(settings)
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
    # With a broker the API publishes and tidies up; the jobs are for `tingshuo worker`.
    queues = ("webhook", "maintenance") if settings.queue == "celery" else QUEUES
    services.plane.start(queues, settings.job_threads)


def _preload(engines: Engines) -> None:
    for row in engines.status():
        if row.engine and row.state != "unavailable":
            try:
                engines.load(row.name)
            except TingshuoError as error:  # /readyz says so too, and the other engines work
                log.error("cannot load %s: %s", row.name, error.message)


def _stop(services: Services, owned: bool) -> None:
    settings = services.settings
    # Requests and queued jobs share the time there is.
    services.plane.close(DRAIN.left(settings.drain_delay_seconds + settings.drain_seconds))
    TRACING.stop()
    if owned:
        services.engines.close()
    services.history.close()
    db.dispose(services.settings)
