"""Who is signed in. Today an account is an API key; user accounts would replace `sign_in` and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from cachelib import FileSystemCache
from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.wrappers import Response

from tingshuo_webui.api import Api
from tingshuo_webui.settings import WebSettings

P = ParamSpec("P")
R = TypeVar("R")

#: Where the cookie has the id of the session, and the application the sessions themselves.
_ID, _SESSIONS = "session", "tingshuo_sessions"
#: Sessions at a time; beyond, those that have ended are removed, then the oldest.
_MOST_SESSIONS = 10_000
#: Seconds that a session's end is remembered: longer than any request that began before lasts.
_REMEMBERED = 3600


class _Cookies(SecureCookieSessionInterface):
    """Looking at something renews the cookie. A reply that may come late does not: somebody else may be signed in by
    then. Neither does a file, which caches may keep for everybody.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether a reply sets the cookie."""
        looks = request.method == "GET" and request.endpoint != "static"
        return session.modified or (looks and super().should_set_cookie(app, session))


def install(app: Flask, folder: Path) -> None:
    """Keep the sessions of `app` in `folder`. Only signing in makes one: a stranger's visit leaves nothing here."""
    app.extensions[_SESSIONS] = FileSystemCache(str(folder), threshold=_MOST_SESSIONS, mode=0o600)
    app.session_interface = _Cookies()


def _sessions() -> FileSystemCache:
    found: FileSystemCache = current_app.extensions[_SESSIONS]
    return found


def _keep(session_id: str, kept: dict[str, Any]) -> None:
    """Keep a session; each use begins its hours anew."""
    _sessions().set(session_id, kept, timeout=round(3600 * web_settings().session_hours))


def _renewed(session_id: str) -> dict[str, Any] | None:
    """What is kept of a session, for as long again; None where it has ended."""
    kept: dict[str, Any] | None = _sessions().get(session_id)
    if kept:
        _keep(session_id, kept)
        # Whoever signed out in between has removed it before it was kept again: that is told first.
        if _sessions().get(_end_of(session_id)):
            _sessions().delete(session_id)
            return None
    return kept


def _end_of(session_id: str) -> str:
    return f"end of {session_id}"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody signed in: the key that the API is called with, and what it may do."""

    key: str
    id: str
    name: str
    scopes: frozenset[str]

    def may(self, *scopes: str) -> bool:
        """Whether the account has all of `scopes`; `admin` has them all."""
        return "admin" in self.scopes or self.scopes.issuperset(scopes)


def web_settings() -> WebSettings:
    """The settings of the application in use."""
    found: WebSettings = current_app.extensions["tingshuo_webui"]
    return found


def sign_in(key: str) -> Account:
    """Begin a session with the rights of `key`. Raises `ApiError` where the API does not know it."""
    api = Api(web_settings().api_url, key)
    try:
        me = api.get("/v1/me")
    finally:
        api.close()
    account = Account(key, str(me["id"]), str(me["name"]), frozenset(me["scopes"]))
    # A new id and a new form token: what somebody else may have planted before must not become signed in.
    sign_out()
    session[_ID] = secrets.token_urlsafe(32)
    session.permanent = True
    _keep(session[_ID], {"key": key, "id": account.id, "name": account.name, "scopes": sorted(account.scopes)})
    return account


def sign_out() -> None:
    """End the session; its cookie opens nothing any more."""
    if _ID in session:
        _sessions().set(_end_of(session[_ID]), True, timeout=_REMEMBERED)
        _sessions().delete(session[_ID])
    session.clear()
    g.pop("account", None)


def account() -> Account | None:
    """Whoever is signed in."""
    if "account" not in g:
        kept = _renewed(session[_ID]) if _ID in session else None
        g.account = Account(kept["key"], kept["id"], kept["name"], frozenset(kept["scopes"])) if kept else None
    found: Account | None = g.account
    return found


def api() -> Api:
    """The API with the rights of whoever is signed in; closed when the request ends."""
    if "api" not in g:
        found = account()
        g.api = Api(web_settings().api_url, found.key if found else "")
    client: Api = g.api
    return client


def close_api(_: BaseException | None) -> None:
    """Give the connections of the request back."""
    client: Api | None = g.pop("api", None)
    if client:
        client.close()


def needs(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """A page for accounts with all of `scopes`; others are sent to the sign-in page or refused with 403."""

    def guard(page: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(page)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            found = account()
            if found is None:
                following = request.full_path.rstrip("?") if request.method == "GET" else None
                return redirect(url_for("sign_in.form", next=following))
            if not found.may(*scopes):
                abort(403)
            return page(*args, **kwargs)

        return guarded

    return guard
