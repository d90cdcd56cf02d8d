"""The public API as the pages call it: one client for each request, with the session's key."""

from __future__ import annotations

import functools
import ssl
from typing import Any, TypeAlias

import httpx2 as httpx

#: Seconds to reach the API, and to wait for an answer that needs no engine.
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)

Json: TypeAlias = dict[str, Any]


@functools.cache
def certificates() -> ssl.SSLContext:
    """Those of every client here: reading them for each takes longer than most requests."""
    return httpx.create_ssl_context()


class ApiError(Exception):
    """What the API refused, in its own words."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class ApiUnreachable(ApiError):
    """Nobody answers where the API should be."""

    def __init__(self, url: str) -> None:
        super().__init__(502, f"no answer from the API at {url}", "api_unreachable")


class Api:
    """The API at `url` with the rights of `key`."""

    def __init__(self, url: str, key: str = "", transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=False,
            verify=certificates(),
        )

    def get(self, path: str, **query: object) -> Json:
        """The JSON of a GET; None among `query` is left out. Raises `ApiError`."""
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return self._json("GET", path, params=given)

    def post(self, path: str, body: Json | None = None) -> Json:
        """The JSON of a POST. Raises `ApiError`."""
        return self._json("POST", path, json=body or {})

    def delete(self, path: str) -> Json:
        """The JSON of a DELETE. Raises `ApiError`."""
        return self._json("DELETE", path)

    def _json(self, method: str, path: str, **arguments: Any) -> Json:  # noqa: ANN401 - httpx checks them
        try:
            response = self.http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url) from error
        if response.is_error:
            raise refused(response.status_code, response.content)
        return dict(response.json()) if response.content else {}

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()


def refused(status: int, content: bytes) -> ApiError:
    """The error that a reply stands for, whether or not it is the API's envelope."""
    try:
        error = httpx.Response(status, content=content).json()["error"]
        return ApiError(status, str(error["message"]), error.get("code"))
    except (ValueError, KeyError, TypeError):
        return ApiError(status, f"the API answered with status {status}")
