"""Which addresses may connect, told behind proxies too. ASGI, before authentication, for HTTP and websockets.

The address is the socket's peer. Where that is a trusted proxy, X-Forwarded-For is walked from the right (each proxy
appends on that side) to the first hop that is no trusted proxy; what stands further left anybody can have written.
What cannot be told is refused. The server in front (uvicorn) must not rewrite the peer itself: run it with
`proxy_headers=False`.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from tingshuo.errors import PermissionDenied
from tingshuo.settings import Network, Settings

log = logging.getLogger(__name__)

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Websocket close code "policy violation".
_POLICY_VIOLATION = 1008


class AllowList:
    """Lets through who is on `settings.allowed_ips` (everybody where it is empty) and answers 403 to the others."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.allowed = settings.allowed_ips
        self.proxies = settings.trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        peer = parse_address(scope["client"][0]) if scope.get("client") else None
        if self.allowed and not self._may_connect(peer, scope):
            await _refuse(scope, send)
            return
        if peer and _contains(self.proxies, peer):
            _take_scheme(scope)
        await self.app(scope, receive, send)

    def _may_connect(self, peer: Address | None, scope: Scope) -> bool:
        address = peer and client_address(peer, _values(scope, b"x-forwarded-for"), self.proxies)
        if address and _contains(self.allowed, address):
            return True
        log.warning("refused a connection from %s (peer %s)", address or "an address that cannot be told", peer)
        return False


def allows(settings: Settings, host: str) -> bool:
    """Whether the peer of a socket of our own, with no proxy before it, may connect."""
    if not settings.allowed_ips:
        return True
    address = parse_address(host)
    return address is not None and _contains(settings.allowed_ips, address)


def client_address(peer: Address, forwarded: Sequence[str], proxies: Sequence[Network]) -> Address | None:
    """Who sent a request: `peer`, or behind trusted proxies the hop before them; None where that cannot be told.

    forwarded: the values of all X-Forwarded-For headers, in order.
    """
    address = peer
    hops = ",".join(forwarded).split(",") if forwarded else []
    while hops and _contains(proxies, address):
        hop = parse_address(hops.pop())
        if hop is None:
            return None
        address = hop
    return address


def parse_address(text: str) -> Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`; None for anything else."""
    host = text.strip()
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or not _is_port(port):
            return None
    elif host.count(":") == 1:
        host, port = host.split(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())


def _contains(networks: Iterable[Network], address: Address) -> bool:
    return any(address in network for network in networks)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _take_scheme(scope: Scope) -> None:
    # So that links we hand out say https where the proxy ended TLS.
    schemes = _values(scope, b"x-forwarded-proto")
    if schemes and schemes[-1] in ("http", "https"):
        secure = schemes[-1] == "https"
        scope["scheme"] = {"http": "https", "websocket": "wss"}[scope["type"]] if secure else scope["scheme"]


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    error = PermissionDenied("your address may not use this server; see TINGSHUO_ALLOWED_IPS")
    body = json.dumps({"error": {"message": error.message, "type": error.type, "param": None, "code": error.code}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
