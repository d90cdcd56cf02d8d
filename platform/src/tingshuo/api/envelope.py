"""Every error as OpenAI's clients read it: {"error": {"message", "type", "param", "code"}}, all four keys."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from tingshuo.api.observation import route_of
from tingshuo.api.request_id import HEADER, request_id
from tingshuo.errors import AuthenticationFailed, InvalidRequest, LimitExceeded, NotFound, ServerBusy, TingshuoError
from tingshuo.logs import wording
from tingshuo.retention import storable

log = logging.getLogger(__name__)


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method on it does not."""

    status = 405
    code = "method_not_allowed"


def install(app: FastAPI) -> None:
    """Make the application answer every error in the envelope."""
    app.add_exception_handler(TingshuoError, _tingshuo_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unplanned)


def reply(error: TingshuoError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response that tells an error."""
    told = dict(headers or {})
    if error.retry_after is not None:
        told["Retry-After"] = str(error.retry_after)
    if isinstance(error, AuthenticationFailed):
        told["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_document(error), error.status, told)


def error_document(error: TingshuoError) -> dict[str, dict[str, str | None]]:
    """The envelope, with all four keys."""
    # Both may quote what was sent, and JSON can spell half of a character, which no reply can hold.
    message, param = storable(error.message), error.param and storable(error.param)
    return {"error": {"message": message, "type": error.type, "param": param, "code": error.code}}


def unknown_field(name: str, known: Iterable[str]) -> InvalidRequest:
    """The error for a field we do not have: a misspelt one must not be ignored."""
    alike = difflib.get_close_matches(name, list(known), 1)
    hint = f"did you mean {alike[0]!r}?" if alike else f"there are: {', '.join(sorted(known))}"
    return InvalidRequest(f"unknown field {name[:100]!r}; {hint}", param=name[:100])


async def _tingshuo_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TingshuoError)
    if error.status >= 500:
        # Turning a request away is how a busy server keeps its promises; nobody need look into it.
        level = logging.INFO if isinstance(error, ServerBusy) else logging.ERROR
        log.log(level, "%s %s: %s: %s", request.method, route_of(request.scope), error.code, wording(error))
    return reply(error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return reply(_first(error.errors()[0]))


def _first(found: Mapping[str, Any]) -> InvalidRequest:
    """The first thing that is wrong with a request, as one of our errors."""
    place = [part for part in found["loc"][1:] if isinstance(part, str)]
    param = place[0] if place else None
    if found["type"] == "json_invalid":
        return InvalidRequest(f"the body is not JSON: {found['ctx']['error']}")
    if param is None:
        return InvalidRequest("the body is not what this route takes; send a JSON object as application/json")
    if found["type"] == "missing":
        return InvalidRequest(f"the field {param!r} is missing", param=param)
    value = found.get("input")
    shown = f" (it is {value!r})" if isinstance(value, str | int | float) and len(repr(value)) <= 60 else ""
    return InvalidRequest(f"{'.'.join(place)}: {found['msg']}{shown}", param=param)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    told: TingshuoError
    match error.status_code:
        case 404:
            told = NotFound(f"there is no {where}; see /docs")
        case 405:
            allowed = ", ".join(sorted(_methods(request, (error.headers or {}).get("Allow", ""))))
            return reply(MethodNotAllowed(f"there is no {where}; allowed: {allowed}"), {"Allow": allowed})
        case 413:
            told = LimitExceeded(error.detail)
        case _:
            told = InvalidRequest(error.detail)
    return reply(told, error.headers)


def _methods(request: Request, first: str) -> set[str]:
    """The methods of all routes of the path; starlette's error has those of the `first` of them alone."""
    found = {method.strip() for method in first.split(",") if method}
    for path, operations in request.app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.url.path):
            found |= {method.upper() for method in operations}
    return found


async def _gone(request: Request, error: Exception) -> Response:
    # Nobody reads this; without it the log would show a failure of ours.
    return reply(InvalidRequest("the connection was closed before the request was complete"))


async def _unplanned(request: Request, error: Exception) -> Response:
    # Starlette calls this outside of all middleware and logs the traceback; the caller learns nothing of it.
    told = TingshuoError(f"the server failed; its log tells why under {request_id(request.scope)}")
    return reply(told, {HEADER: request_id(request.scope)})
