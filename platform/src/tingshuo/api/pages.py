"""Web pages of other distributions, shown beside the API at the same address."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeAlias, cast

from a2wsgi import WSGIMiddleware
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tingshuo.settings import Settings

log = logging.getLogger(__name__)

#: Entry points: name -> a function (URL of the API, folder to write to) that gives a WSGI application.
GROUP = "tingshuo.pages"
#: First parts of the paths that are the API's, whether or not there is a route below: `/v1/nothing` is its 404.
OWNED = frozenset("v1 docs openapi.json health healthz readyz metrics tts synthesize".split())
#: In the scope of a page's request (`environ["asgi.scope"]`): a `threading.Event`, set when the visitor has gone.
LEFT = "tingshuo.left"
#: Requests that the pages work on at once; one that waits for an engine takes one of them.
_THREADS = 32

Pages: TypeAlias = Callable[[str, Path], Any]


class Beside:
    """Sends what is below the API's own paths to the API, all else to the pages."""

    def __init__(self, app: ASGIApp, pages: ASGIApp) -> None:
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # `OPTIONS *` and `CONNECT host:80` have no path: nothing to show.
        if scope["type"] == "http" and "/" in scope["path"] and scope["path"].split("/", 2)[1] not in OWNED:
            await self._shown(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _shown(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The pages, with an event in the scope that is set when the visitor has gone: WSGI does not tell of it."""
        left = threading.Event()
        watchers: set[asyncio.Task[None]] = set()
        # The pages ask for the body from a thread that is amid their request, its session included. A server that
        # went on reading in that context would keep it for whoever comes next on the same connection.
        context = contextvars.copy_context()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            left.set()

        async def told() -> Message:
            return await receive()

        async def received() -> Message:
            message = await asyncio.create_task(told(), context=context)
            if message["type"] == "http.disconnect":
                left.set()
            elif not message.get("more_body") and not watchers:
                watchers.add(asyncio.create_task(watch(), context=context))
            return message

        try:
            await self.pages({**scope, LEFT: left}, received, send)
        finally:
            for task in watchers:
                task.cancel()


def show_pages(app: FastAPI, settings: Settings, api_url: str) -> list[str]:
    """Show the installed pages beside the API, which the pages call at `api_url`; their names."""
    shown: list[str] = []
    if not settings.webui:
        return shown
    for entry in list(entry_points(group=GROUP))[:1]:  # one address has one set of pages
        try:
            pages: Pages = entry.load()
            wsgi = pages(api_url, settings.data_dir / "webui")
        except Exception as error:  # noqa: BLE001 - the pages are foreign code; the API works without them
            log.error("cannot show the pages of %s: %s: %s", entry.name, type(error).__name__, error)
            continue
        # Its types spell out every ASGI message and so fit no other library's.
        bridge = cast("ASGIApp", WSGIMiddleware(wsgi, workers=_THREADS))
        # Innermost: the allow-list and the request ids are for the pages as well.
        app.user_middleware.append(Middleware(Beside, pages=bridge))
        shown.append(entry.name)
    return shown
