"""A server in a thread of the test's own process, over the engines that the test gives it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import httpx2
import uvicorn

from tingshuo import auth, db
from tingshuo.api import create_app
from tingshuo.engine import Engine
from tingshuo.settings import Settings
from tingshuo.testing import engines_of

#: Seconds that something may take on a machine that is busy with other things.
PATIENCE = 30


class Live:
    """A server on a loopback port."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self.settings = settings

    def token(self, *scopes: str) -> str:
        """The token of a new key."""
        return auth.create_key(self.settings, f"key {len(auth.list_keys(self.settings))}", scopes)[1]

    def client(self) -> httpx2.Client:
        """A client with an admin's key."""
        headers = {"Authorization": f"Bearer {self.token('admin')}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=PATIENCE)


class Listen(Protocol):
    """What the fixture `listen` gives: it starts a server on a socket; the tone engines where none is given."""

    def __call__(self, *engines: Engine, **changes: object) -> Live: ...


@contextmanager
def listening(settings: Settings, *engines: Engine) -> Iterator[Live]:
    """A server in a thread, configured as `tingshuo serve` does it."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(settings, engines_of(*engines, settings=settings))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, proxy_headers=False, server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield Live(f"http://127.0.0.1:{listener.getsockname()[1]}", settings)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()
        db.dispose(settings)
