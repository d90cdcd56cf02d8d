"""uvicorn with our options: what a request sets is gone with it."""

from __future__ import annotations

import socket
import threading
from contextvars import ContextVar
from pathlib import Path

import httpx2 as httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from tingshuo.serving import uvicorn_options
from tingshuo.settings import Settings

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Says for whom it worked before it was told for whom it works now, in the query."""
    found = WHO.get()
    WHO.set(scope["query_string"].decode())
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(found))]})
    await send({"type": "http.response.body", "body": found.encode()})


def test_the_next_request_of_a_connection_begins_afresh(tmp_path: Path) -> None:
    options = uvicorn_options(Settings(data_dir=tmp_path))
    server = uvicorn.Server(uvicorn.Config(told, lifespan="off", **options))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            with httpx.Client(limits=httpx.Limits(max_connections=1)) as connection:
                # More than uvicorn holds: it stops reading and goes on when it is asked for more.
                assert connection.post(f"{url}?anna", content=bytes(2**22)).text == "nobody"
                assert connection.post(f"{url}?bert", content=bytes(2**22)).text == "nobody"
        finally:
            server.should_exit = True
            thread.join()
