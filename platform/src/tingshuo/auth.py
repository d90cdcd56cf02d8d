"""API keys: who may call, and what for.

A key is `ts-` and 32 random bytes in base64url. It is shown once; the database keeps HMAC-SHA256 under the server
secret, so neither a copy of the database nor of the secret alone gives a key.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias, get_args

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from tingshuo import db
from tingshuo.db import ApiKey
from tingshuo.errors import (
    AuthenticationFailed,
    InvalidRequest,
    LastAdminKey,
    NotFound,
    PermissionDenied,
    StorageFailed,
)
from tingshuo.secret import keyed_hash
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

Scope: TypeAlias = Literal["admin", "transcribe", "speak", "jobs", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
#: Shorthand for all five.
ALL = "all"
PREFIX = "ts-"
#: `last_used_at` is this exact, so that a busy key does not write on every request.
LAST_USED_STEP = timedelta(minutes=1)
#: Name of the key that the first start makes.
FIRST_KEY = "first"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the key's id and name, and what it may do. Scope admin implies all others."""

    id: str
    name: str
    scopes: frozenset[str]

    @property
    def is_admin(self) -> bool:
        return "admin" in self.scopes

    def require(self, *scopes: Scope) -> None:
        """Raise `PermissionDenied` for the first of `scopes` that the key lacks."""
        for scope in scopes:
            if scope not in self.scopes and not self.is_admin:
                has = ", ".join(sorted(self.scopes))
                raise PermissionDenied(f"the key {self.name!r} lacks the scope {scope!r}; it has: {has}")


def create_key(
    settings: Settings, name: str, scopes: Iterable[str], expires: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key as (row, token); the token cannot be had again.

    Raises `InvalidRequest` for a name in use, an unknown scope or an expiry in the past.
    """
    name = _checked_name(name)
    granted = _checked_scopes(scopes)
    if expires is not None and (expires.tzinfo is None or expires <= datetime.now(UTC)):
        raise InvalidRequest(f"the key would expire at {expires}; give a time to come, with its zone", param="expires")
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        id=f"key_{secrets.token_hex(8)}",
        name=name,
        digest=_digest(settings, token),
        hint=f"{token[:7]}…{token[-4:]}",
        scopes=granted,
        created_at=datetime.now(UTC),
        expires_at=expires,
    )
    try:
        with db.session(settings) as session:
            session.add(row)
    except IntegrityError as error:
        raise InvalidRequest(f"there is a key called {name!r}; revoke it first or take another name") from error
    return row, token


def list_keys(settings: Settings) -> list[ApiKey]:
    """Every key, revoked ones too, the oldest first."""
    with db.session(settings) as session:
        return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)))


def get_key(settings: Settings, key_id: str) -> ApiKey:
    """The key with that id. Raises `NotFound`."""
    with db.session(settings) as session:
        row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound(f"there is no key {key_id!r}")
    return row


def revoke_key(settings: Settings, id_or_name: str, *, spare_last_admin: bool = False) -> ApiKey:
    """Make a key worthless from now on. Raises `NotFound` where no key in force has that id or name.

    With `spare_last_admin` raises `LastAdminKey` instead of revoking the only admin key that is good.
    """
    wanted = or_(ApiKey.id == id_or_name, ApiKey.name == id_or_name)
    with db.session(settings, writes=True) as session:
        # Locked in one order, so that of two admins who revoke each other at once the second is refused.
        in_force = select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id).with_for_update()
        rows = session.scalars(in_force).all()
        row = session.scalars(select(ApiKey).where(wanted, ApiKey.revoked_at.is_(None))).first()
        if row is None:
            raise NotFound(f"no key in force has the id or name {id_or_name!r}")
        if spare_last_admin and _good_admins(rows) == [row.id]:
            raise LastAdminKey(
                f"{row.name!r} is the only admin key; make another one first, or revoke it on the server itself: "
                f"tingshuo keys revoke {row.id}"
            )
        row.revoked_at = datetime.now(UTC)
        return row


def _good_admins(rows: Iterable[ApiKey]) -> list[str]:
    now = datetime.now(UTC)
    return [row.id for row in rows if "admin" in row.scopes and (row.expires_at is None or row.expires_at > now)]


def first_key(settings: Settings) -> str | None:
    """The token of an admin key made now, or None where there ever was a key.

    Of several processes that start together one gets a token.
    """
    with db.session(settings) as session:
        if session.scalar(select(ApiKey.id).limit(1)):
            return None
    try:
        return create_key(settings, FIRST_KEY, ["admin"])[1]
    except InvalidRequest:  # another process was faster
        return None


def authenticate(settings: Settings, token: str) -> Caller:
    """The caller a token stands for. Raises `AuthenticationFailed`."""
    digest = _digest(settings, token)
    with db.session(settings) as session:
        row = session.scalar(select(ApiKey).where(ApiKey.digest == digest))
    if row is None or not hmac.compare_digest(row.digest, digest):
        raise AuthenticationFailed("the API key is wrong; send `Authorization: Bearer ts-…`")
    return _in_force(settings, row)


def caller_in_force(settings: Settings, key_id: str) -> Caller:
    """The caller of the key with that id, if it is still good. Raises `AuthenticationFailed`."""
    with db.session(settings) as session:
        row = session.get(ApiKey, key_id)
    if row is None:
        raise AuthenticationFailed("the API key is no more")
    return _in_force(settings, row)


def _in_force(settings: Settings, row: ApiKey) -> Caller:
    if row.revoked_at is not None:
        raise AuthenticationFailed(f"the API key {row.hint} was revoked")
    now = datetime.now(UTC)
    if row.expires_at is not None and row.expires_at <= now:
        raise AuthenticationFailed(f"the API key {row.hint} expired at {row.expires_at:%Y-%m-%d %H:%M} UTC")
    _touch(settings, row, now)
    return Caller(row.id, row.name, frozenset(row.scopes))


def _touch(settings: Settings, row: ApiKey, now: datetime) -> None:
    if row.last_used_at is not None and now - row.last_used_at < LAST_USED_STEP:
        return
    try:
        with db.session(settings) as session:
            session.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))
    except StorageFailed as error:  # a full disk is no reason to turn a good key away
        log.warning("cannot note the use of key %s: %s", row.id, error.message)


def _digest(settings: Settings, token: str) -> str:
    return keyed_hash(settings, "api-key", token)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise InvalidRequest(f"key name {name!r}: give 1 to 100 printable characters", param="name")
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    if ALL in wanted:
        wanted = (wanted - {ALL}) | set(SCOPES)
    unknown = sorted(wanted - set(SCOPES))
    if unknown or not wanted:
        raise InvalidRequest(f"scopes {unknown}: choose among {', '.join((*SCOPES, ALL))}", param="scopes")
    return sorted(wanted)
