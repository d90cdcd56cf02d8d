"""Signed links: a path that works without a key until it expires, for players that cannot send a header."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

from tingshuo.errors import AuthenticationFailed
from tingshuo.secret import keyed_hash
from tingshuo.settings import Settings


def sign(settings: Settings, path: str, expires: datetime) -> str:
    """The query string (without "?") that opens `path` until `expires`."""
    seconds = int(expires.timestamp())
    return urlencode({"expires": seconds, "signature": _signature(settings, path, str(seconds))})


def verify(settings: Settings, path: str, expires: str, signature: str) -> None:
    """Return where the query of a link is good for `path`; raises `AuthenticationFailed`."""
    expected = _signature(settings, path, expires)
    # Encoded, because compare_digest refuses a str that is not ASCII.
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise AuthenticationFailed("the link's signature is wrong; ask for a new link")
    # What was signed is a number, so a good signature vouches for the conversion.
    if int(expires) <= datetime.now(UTC).timestamp():
        raise AuthenticationFailed("the link has expired; ask for a new one")


def _signature(settings: Settings, path: str, expires: str) -> str:
    return keyed_hash(settings, "link", f"{path}\n{expires}")
