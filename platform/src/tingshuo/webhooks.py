"""Webhooks: sent from their rows, signed as Standard Webhooks describe it, tried again until they arrive.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import http.client
import logging
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select, true, update

from tingshuo import db
from tingshuo.db import Delivery
from tingshuo.errors import ConfigurationError, InvalidRequest
from tingshuo.settings import Settings
from tingshuo.webhook_targets import Target, check_target, resolve

log = logging.getLogger(__name__)

#: Seconds for each step of one attempt: connecting, sending, the first line of the reply.
TIMEOUT = 10.0
#: Seconds for one attempt as a whole: a receiver that answers a byte at a time must not keep the others waiting.
LONGEST = 30.0
#: A delivery that somebody took and never finished is due again after so many seconds.
_TAKEN_SECONDS = 120.0
#: Seconds before the second attempt, and at most; each further one waits three times as long.
_FIRST_PAUSE, _MAX_PAUSE = 10.0, 6 * 3600.0
MAX_PAGE = 200


class Deliveries:
    """Sends what is due. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.webhook_hosts:
            signing_key(settings)

    def step(self, _queues: Sequence[str] = ()) -> bool:
        """Send the delivery that is due next; False where none is. Raises `StorageFailed`."""
        delivery = self._take()
        if delivery is None:
            return False
        code, error = self._sent(delivery)
        values: dict[str, Any] = {"last_status_code": code, "last_error": error, "worker": None}
        with db.session(self.settings, writes=True) as session:
            now = db.now(session)
            if error is None:
                values |= {"status": "delivered", "delivered_at": now}
            elif delivery.attempts >= self.settings.webhook_attempts:
                values |= {"status": "failed"}
            else:
                pause = min(_FIRST_PAUSE * 3.0 ** (delivery.attempts - 1), _MAX_PAUSE)
                values |= {"run_at": now + timedelta(seconds=pause), "published_at": None}
            mine = (Delivery.id == delivery.id, Delivery.worker == delivery.worker, Delivery.status == "pending")
            session.execute(update(Delivery).where(*mine).values(**values))
        return True

    def _take(self) -> Delivery | None:
        with db.session(self.settings, writes=True) as session:
            now = db.now(session)
            due = (
                select(Delivery.id)
                .where(Delivery.status == "pending", Delivery.run_at <= now)
                .where(Delivery.published_at.is_not(None) if self.settings.queue == "celery" else true())
                .order_by(Delivery.run_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            taken = {
                "attempts": Delivery.attempts + 1,
                "worker": secrets.token_hex(16),
                "run_at": now + timedelta(seconds=_TAKEN_SECONDS),
            }
            statement = update(Delivery).where(Delivery.id == due.scalar_subquery()).values(**taken).returning(Delivery)
            return session.scalars(statement, execution_options={"synchronize_session": False}).one_or_none()

    def _sent(self, delivery: Delivery) -> tuple[int | None, str | None]:
        """(the reply's status, None), or (status if there was one, what went wrong)."""
        try:
            # Looked at again: the configuration may have changed since the request.
            target = check_target(self.settings, delivery.url)
            address = resolve(self.settings, target)
            headers = signed_headers(self.settings, delivery.id, delivery.payload)
            status = _post(target, address, delivery.payload.encode(), headers)
        except InvalidRequest as error:
            return None, error.message
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"[:500]
        if 200 <= status < 300:
            return status, None
        return status, "redirects are not followed" if 300 <= status < 400 else f"the receiver answered {status}"


def signed_headers(settings: Settings, message: str, payload: str) -> Mapping[str, str]:
    """The headers of one attempt: `webhook-id`, `webhook-timestamp` and `webhook-signature` over both and the body."""
    timestamp = str(int(time.time()))
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(signing_key(settings), message, timestamp, payload),
    }


def signature(key: bytes, message: str, timestamp: str, payload: str) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, joined by dots."""
    digest = hmac.new(key, f"{message}.{timestamp}.{payload}".encode(), "sha256").digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signing_key(settings: Settings) -> bytes:
    """The bytes of TINGSHUO_WEBHOOK_SECRET. Raises `ConfigurationError` for one that is none."""
    try:
        key = base64.b64decode(settings.webhook_secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ConfigurationError("TINGSHUO_WEBHOOK_SECRET is not whsec_ and base64") from error
    if not 24 <= len(key) <= 64:
        raise ConfigurationError(f"TINGSHUO_WEBHOOK_SECRET holds {len(key)} bytes; 24 to 64 are needed")
    return key


def page(settings: Settings, caller: str | None, job: str | None, after: str | None, limit: int) -> Sequence[Delivery]:
    """At most `limit` deliveries, the newest first, those after the delivery `after`; `caller` None: everybody's."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit is {limit}; it must lie between 1 and {MAX_PAGE}", param="limit")
    query: Select[Delivery] = select(Delivery).order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit)
    query = query.where(Delivery.caller == caller) if caller is not None else query
    query = query.where(Delivery.job_id == job) if job else query
    with db.session(settings) as session:
        if after:
            last = session.get(Delivery, after)
            if last is None or caller not in (None, last.caller):
                raise InvalidRequest(f"after is {after[:60]!r}; give the id of a delivery", param="after")
            earlier = Delivery.created_at < last.created_at
            query = query.where(earlier | ((Delivery.created_at == last.created_at) & (Delivery.id < last.id)))
        return session.scalars(query).all()


def _post(target: Target, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the reply to a POST sent to exactly this address."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT)
    with _connected(target, address) as opened, _cut_off(opened, LONGEST):
        if isinstance(opened, ssl.SSLSocket):
            opened.do_handshake()
        connection.sock = opened
        connection.request("POST", target.path, body, {**headers, "Host": target.authority, "User-Agent": "tingshuo"})
        return connection.getresponse().status


def _connected(target: Target, address: str) -> socket.socket:
    """A connection to the address; for https one that has yet to shake hands."""
    plain = socket.create_connection((address, target.port), timeout=TIMEOUT)
    if target.scheme == "http":
        return plain
    try:
        # The name is verified although the address was looked up by us.
        context = ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
    except BaseException:
        plain.close()
        raise


@contextlib.contextmanager
def _cut_off(opened: socket.socket, seconds: float) -> Iterator[None]:
    """End a connection that lasts longer: who reads from it then finds its end."""

    def cut() -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            socket.socket.shutdown(opened, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
