"""Short-lived secrets with which a browser page opens a realtime session, so that it never holds the API key.

`ek_<key id>.<unix seconds>.<signature>`: nothing is stored; the signature is HMAC-SHA256 under the server secret.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta

from tingshuo import auth
from tingshuo.auth import Caller
from tingshuo.errors import AuthenticationFailed
from tingshuo.secret import keyed_hash
from tingshuo.settings import Settings

PREFIX = "ek_"
#: How long a secret opens sessions. One that is open goes on as long as the key is good.
LIFETIME = timedelta(seconds=60)
_SHAPE = re.compile(r"ek_(key_[0-9a-f]+)\.([0-9]{1,12})\.([0-9a-f]+)")


def issue(settings: Settings, caller: Caller) -> tuple[str, datetime]:
    """A secret that stands for the caller's right to transcribe, and when it expires."""
    expires = datetime.now(UTC).replace(microsecond=0) + LIFETIME
    seconds = str(int(expires.timestamp()))
    return f"{PREFIX}{caller.id}.{seconds}.{_signature(settings, caller.id, seconds)}", expires


def redeem(settings: Settings, secret: str) -> Caller:
    """Whom a secret stands for, with the scope transcribe alone. Raises `AuthenticationFailed`."""
    found = _SHAPE.fullmatch(secret)
    if not found or not hmac.compare_digest(_signature(settings, found[1], found[2]), found[3]):
        raise AuthenticationFailed("the client secret is wrong; ask POST /v1/realtime/client_secrets for one")
    if int(found[2]) <= datetime.now(UTC).timestamp():
        raise AuthenticationFailed("the client secret has expired; ask POST /v1/realtime/client_secrets for a new one")
    caller = auth.caller_in_force(settings, found[1])
    caller.require("transcribe")
    return Caller(caller.id, caller.name, frozenset({"transcribe"}))


def _signature(settings: Settings, key_id: str, seconds: str) -> str:
    return keyed_hash(settings, "client-secret", f"{key_id}\n{seconds}")
