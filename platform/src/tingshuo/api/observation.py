"""Every request as operators see it: one log line, counters and times, a span. Never its body, query or headers."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tingshuo import metrics
from tingshuo.api.request_id import request_id
from tingshuo.logs import FIELDS, REQUEST_ID
from tingshuo.tracing import TRACING

if TYPE_CHECKING:
    from opentelemetry.trace import Span

log = logging.getLogger("tingshuo.access")

#: What a path that no route knows is called: the path itself may be anybody's words.
_NO_ROUTE = "(none)"
#: Asked every few seconds by machines: they would fill the log, and a 503 of theirs turns nobody away.
_PROBES = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
#: The route whose first bytes somebody waits to hear.
_SPEECH = "/v1/audio/speech"
#: Status in the log of a websocket, and of a request whose reply never began.
_SWITCHED, _NONE = 101, 499


@dataclass(slots=True)
class _Seen:
    """What of a reply went through."""

    start: float = field(default_factory=time.monotonic)
    status: int = _NONE
    first_body: float | None = None


class Observation:
    """ASGI middleware, within `RequestId`, outside of everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        # Not reset: the server logs what goes wrong after us, in this task.
        REQUEST_ID.set(request_id(scope))
        seen = _Seen()

        async def watched(message: Message) -> None:
            _watch(message, seen)
            await send(message)

        with metrics.ACTIVE.track_inprogress(), _span(scope, seen):
            try:
                await self.app(scope, receive, watched)
            except Exception:
                seen.status = 500
                raise
            finally:
                _record(scope, seen)


def _watch(message: Message, seen: _Seen) -> None:
    match message["type"]:
        case "http.response.start" | "websocket.http.response.start":
            seen.status = message["status"]
        case "websocket.accept":
            seen.status = _SWITCHED
        case "websocket.close" if seen.status == _NONE:
            seen.status = 403  # as the server tells a websocket that is closed before it is accepted
        case "http.response.body" if message.get("body") and seen.first_body is None:
            seen.first_body = time.monotonic() - seen.start


def route_of(scope: Scope) -> str:
    """The route that answers, as it is declared: `/v1/jobs/{job_id}`."""
    return getattr(scope.get("route"), "path", None) or _NO_ROUTE


def _record(scope: Scope, seen: _Seen) -> None:
    route, method = route_of(scope), scope.get("method", "WEBSOCKET")
    seconds = time.monotonic() - seen.start
    metrics.HTTP_REQUESTS.labels(method, route, str(seen.status)).inc()
    metrics.HTTP_SECONDS.labels(route).observe(seconds)
    if route == _SPEECH and seen.status == 200 and seen.first_body is not None:
        metrics.FIRST_AUDIO.observe(seen.first_body)
    if route not in _PROBES:
        if seen.status == 401:
            metrics.AUTH_FAILURES.inc()
        if reason := metrics.REASONS.get(seen.status):
            metrics.REJECTED.labels(reason).inc()
    fields: dict[str, object] = {"method": method, "route": route, "status": seen.status, "seconds": round(seconds, 4)}
    if caller := scope.get("state", {}).get("caller"):
        fields["caller"] = caller.id or "anybody"
    level = logging.DEBUG if route in _PROBES else logging.INFO
    log.log(level, "%s %s %d %.3f s", method, route, seen.status, seconds, extra={FIELDS: fields})


@contextlib.contextmanager
def _span(scope: Scope, seen: _Seen) -> Iterator[None]:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    with TRACING.span("request", {"tingshuo.request_id": request_id(scope)}, headers) as span:
        try:
            yield
        finally:
            if span is not None:
                _describe(span, scope, seen)


def _describe(span: Span, scope: Scope, seen: _Seen) -> None:
    route, method = route_of(scope), scope.get("method", "WEBSOCKET")
    span.update_name(f"{method} {route}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", seen.status)
