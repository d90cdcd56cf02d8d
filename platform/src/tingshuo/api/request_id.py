"""`x-request-id` on every reply, errors too: the caller's own where it sent a sane one."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
_KEY = "tingshuo.request_id"
#: What begins a reply; the last one is a websocket that is refused.
_REPLIES = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """ASGI middleware; the outermost, so that refusals carry the id as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        sent = next((value for name, value in scope["headers"] if name == HEADER.encode()), b"")
        scope[_KEY] = sent.decode() if _SANE.fullmatch(sent) else f"req_{secrets.token_hex(12)}"

        async def send_with_id(message: Message) -> None:
            if message["type"] in _REPLIES:
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[HEADER] = scope[_KEY]
            await send(message)

        await self.app(scope, receive, send_with_id)


def request_id(scope: Scope) -> str:
    """The id of the request with this scope."""
    found: str = scope.get(_KEY, "req_unknown")
    return found
