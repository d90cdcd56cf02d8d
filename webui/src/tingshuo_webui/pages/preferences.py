"""POST /preferences: language and theme, kept in cookies."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import web_settings
from tingshuo_webui.language import LANGUAGES, THEMES

blueprint = Blueprint("preferences", __name__)

_YEAR = 365 * 24 * 3600


@blueprint.post("/preferences")
def change() -> Response:
    """Keep what the form says and go back to its page."""
    reply = redirect(local_path(request.form.get("next")))
    for name, allowed in (("language", tuple(LANGUAGES)), ("theme", THEMES)):
        value = request.form.get(name)
        if value in allowed:
            reply.set_cookie(name, value, _YEAR, httponly=True, samesite="Lax", secure=web_settings().https)
    return reply


def local_path(target: str | None) -> str:
    """`target` where it is a path of this site, else the first page: nobody is sent elsewhere by a link."""
    home = url_for("transcribe.page")
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc or any(ord(letter) < 32 for letter in target) else target
