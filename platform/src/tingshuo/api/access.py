"""Who may use a route, and how many bytes it takes: told before anything of the body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeAlias

import anyio.to_thread
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from tingshuo.allowlist import Address, client_address, parse_address
from tingshuo.api.services import services_of
from tingshuo.auth import Caller, Scope, authenticate
from tingshuo.errors import AuthenticationFailed, InvalidRequest
from tingshuo.settings import Settings

BodyLimit: TypeAlias = Callable[[Settings], int]

#: A caller nobody asked for a key: it may read public lists and follow signed links.
ANYBODY = Caller("", "anybody", frozenset())


def json_limit(settings: Settings) -> int:
    """Bytes of a JSON body: a character takes at most twelve of them (two escapes), the other fields little."""
    return 12 * settings.max_text_characters + 2**16


def upload_limit(settings: Settings) -> int:
    """Bytes of a form with one file: the file and some room for the fields."""
    return settings.max_upload_bytes + 2**20


class GuardedRoute(APIRoute):
    """A route that asks for a key with all of `scopes`, then reads at most `body_limit` bytes."""

    scopes: ClassVar[tuple[Scope, ...]] = ()
    body_limit: ClassVar[BodyLimit] = json_limit

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            _check_url(request)
            request.state.caller = await self.admit(request)
            limit = type(self).body_limit(services_of(request).settings)
            return await handle(_limited(request, limit))

        return guarded

    async def admit(self, request: Request) -> Caller:
        """The caller; raises `AuthenticationFailed` or `PermissionDenied`."""
        caller = await authenticated(request)
        caller.require(*self.scopes)
        return caller


def needs(*scopes: Scope, body_limit: BodyLimit = json_limit) -> type[GuardedRoute]:
    """The route class for a router whose routes need a key with all of `scopes` (any key where there are none)."""
    return type("GuardedRoute", (GuardedRoute,), {"scopes": scopes, "body_limit": staticmethod(body_limit)})


class ListRoute(GuardedRoute):
    """A route that needs any key, or none with TINGSHUO_PUBLIC_LISTS: some clients read lists without one."""

    async def admit(self, request: Request) -> Caller:
        if services_of(request).settings.public_lists:
            return ANYBODY
        return await super().admit(request)


class MetricsRoute(GuardedRoute):
    """A route that a key with the scope metrics opens, and without a key an address of TINGSHUO_METRICS_IPS."""

    scopes = ("metrics",)

    async def admit(self, request: Request) -> Caller:
        settings = services_of(request).settings
        address = sender(request, settings)
        if address and any(address in network for network in settings.metrics_ips):
            return ANYBODY
        return await super().admit(request)


def sender(request: Request, settings: Settings) -> Address | None:
    """The address that a request came from, behind trusted proxies the one before them."""
    peer = parse_address(request.client.host) if request.client else None
    return peer and client_address(peer, request.headers.getlist("x-forwarded-for"), settings.trusted_proxies)


async def authenticated(request: Request) -> Caller:
    """The caller that the Authorization header stands for."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("no API key; send `Authorization: Bearer ts-…`")
    return await anyio.to_thread.run_sync(authenticate, services_of(request).settings, token.strip())


def _check_url(request: Request) -> None:
    """No id or filter holds a NUL, and PostgreSQL takes none in a text."""
    if any("\0" in text for text in (request.url.path, *sum(request.query_params.multi_items(), ()))):
        raise InvalidRequest("the URL holds a NUL (%00)")


def _limited(request: Request, limit: int) -> Request:
    """The request with its body cut off by an error after `limit` bytes, counted as they come."""
    too_large = HTTPException(413, f"the request is larger than {limit} bytes", {"Connection": "close"})
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    return Request(request.scope, _counted(request.receive, limit, too_large))


def _counted(receive: Receive, limit: int, too_large: HTTPException) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise too_large
        return message

    return counted
