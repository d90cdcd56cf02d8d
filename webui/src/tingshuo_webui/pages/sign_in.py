"""/sign-in and /sign-out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from tingshuo_webui import accounts
from tingshuo_webui.api import ApiError
from tingshuo_webui.pages.preferences import local_path

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
def form() -> str | Response:
    """The form; who is signed in already goes on."""
    if accounts.account():
        return redirect(local_path(request.args.get("next")))
    return render_template("sign_in.html", following=request.args.get("next", ""))


@blueprint.post("/sign-in")
def begin() -> str | Response | tuple[str, int]:
    """Sign in with an API key."""
    key, following = request.form.get("key", "").strip(), request.form.get("next", "")
    problem, status = _("Paste an API key."), 400
    # A header takes no other characters, and no key has them.
    if key.isascii() and key.isprintable() and key and len(key) <= 200:
        try:
            accounts.sign_in(key)
            return redirect(local_path(following))
        except ApiError as error:
            problem, status = error.message, error.status
            if status == 401:
                problem = _("The server does not know this key. It may have been revoked or have expired.")
    return render_template("sign_in.html", following=following, problem=problem), status


@blueprint.post("/sign-out")
def end() -> Response:
    """Sign out."""
    accounts.sign_out()
    return redirect(url_for("sign_in.form"))
