"""/api/…: the API under the session instead of a key, for the scripts of the pages.

A script calls `/api/v1/jobs` with the form token in `X-CSRFToken`; the request goes on to `/v1/jobs` with the key of
the session, and bodies pass in both directions as they come: an upload is never held here as a whole, and audio
reaches the page while it is being spoken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Event
from typing import TypeAlias

import httpx2 as httpx
from flask import Blueprint, Response, jsonify, request, stream_with_context
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms import ValidationError

from tingshuo_webui.accounts import account, web_settings
from tingshuo_webui.api import ApiUnreachable, certificates

blueprint = Blueprint("gateway", __name__, url_prefix="/api")

#: What the API needs to know of the page's request, and the page of the API's reply.
_ASKED = ("content-type", "accept", "idempotency-key", "if-match", "last-event-id", "range")
_TOLD = (
    "content-type",
    "content-disposition",
    "content-length",
    "content-range",
    "accept-ranges",
    "cache-control",
    "etag",
    "location",
    "retry-after",
    "x-request-id",
    "x-tingshuo-job",
)
_SAFE = {"GET", "HEAD"}
#: Bytes passed on at a time.
_PIECE = 2**16
#: A synthesis or a recognition may take long before its first byte.
_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

Reply: TypeAlias = Response | tuple[Response, int]


@blueprint.route("/v1/<path:path>", methods=_METHODS)
def passed_on(path: str) -> Reply:
    """The API's answer to the same request below /v1/."""
    signed_in = account()
    if signed_in is None:
        return _error(401, "your session has ended; sign in again", "signed_out")
    if request.method not in _SAFE:
        try:
            validate_csrf(request.headers.get("X-CSRFToken"))
        except ValidationError as error:
            raise CSRFError(str(error)) from error
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return _error(404, f"there is no /v1/{path}", "not_found")
    return _forward(path, signed_in.key)


def _forward(path: str, key: str) -> Reply:
    # The API has a limit of its own and counts as the bytes come. (None would mean that of the pages.)
    request.max_content_length = sys.maxsize
    headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
    headers["authorization"] = f"Bearer {key}"
    # Bodies pass as they are, so a proxy before the API must not compress them.
    headers["accept-encoding"] = "identity"
    if request.content_length is not None:
        headers["content-length"] = str(request.content_length)
    client = httpx.Client(base_url=web_settings().api_url, timeout=_TIMEOUT, trust_env=False, verify=certificates())
    body = iter(lambda: request.stream.read(_PIECE), b"") if request.method not in _SAFE else None
    asked = client.build_request(
        request.method, f"/v1/{path}", params=request.args.to_dict(flat=False), headers=headers, content=body
    )
    try:
        reply = client.send(asked, stream=True)
    except httpx.TransportError:
        client.close()
        unreachable = ApiUnreachable(web_settings().api_url)
        return _error(unreachable.status, unreachable.message, unreachable.code)
    told = {name: reply.headers[name] for name in _TOLD if name in reply.headers}
    # Beside the API nothing closes the reply of somebody who has gone; the server tells it by an event.
    left: Event = request.environ.get("asgi.scope", {}).get("tingshuo.left") or Event()
    return Response(stream_with_context(_pieces(client, reply, left)), reply.status_code, told)


def _pieces(client: httpx.Client, reply: httpx.Response, left: Event) -> Iterator[bytes]:
    """The body as it comes; when the page has gone, or closes this, the request to the API ends too."""
    try:
        for piece in reply.iter_raw():
            if left.is_set():
                return
            yield piece
    finally:
        reply.close()
        client.close()


def _error(status: int, message: str, code: str | None) -> Reply:
    kind = "authentication_error" if status == 401 else "server_error" if status >= 500 else "invalid_request_error"
    return jsonify(error={"message": message, "type": kind, "param": None, "code": code}), status
