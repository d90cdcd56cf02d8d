"""/admin: the state of the system, engines, keys, use, and what is kept."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import api, needs
from tingshuo_webui.api import ApiError
from tingshuo_webui.choices import as_query, filters_of
from tingshuo_webui.filters import number, size

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

#: What a key may be allowed to do -> how the page says it.
SCOPES = {
    "speak": _("speak"),
    "transcribe": _("transcribe"),
    "jobs": _("its own history"),
    "metrics": _("figures of operation"),
    "admin": _("everything (admin)"),
}
#: What the form for a key begins with.
_ASKED = {"name": "", "scopes": ("speak", "transcribe", "jobs"), "days": ""}


@blueprint.get("/")
@needs("admin")
def page() -> str | Response:
    """All of it on one page."""
    return _page()


def _page(new_key: dict[str, object] | None = None, asked: dict[str, Any] | None = None) -> str:
    client, chosen = api(), filters_of(request.args, ("since", "until"))
    keys = client.get("/v1/keys")["data"]
    return render_template(
        "admin.html",
        system=client.get("/v1/system"),
        retention=client.get("/v1/system/retention"),
        engines=client.get("/v1/engines")["data"],
        keys=sorted(keys, key=lambda key: key["revoked_at"] is not None),
        names={key["id"]: key["name"] for key in keys},
        usage=client.get("/v1/usage", by="key", **as_query(chosen))["data"],
        chosen=chosen,
        scopes=SCOPES,
        asked=asked or _ASKED,
        new_key=new_key,
    )


@blueprint.post("/keys")
@needs("admin")
def create_key() -> str | Response | tuple[str, int]:
    """Make a key and show it, this once."""
    days = request.form.get("expires_days", "").strip()
    asked = {
        "name": request.form.get("name", "").strip(),
        "scopes": request.form.getlist("scopes"),
        "days": days,
    }
    # What is no number goes on as it is: the API says what would be right.
    expires: int | str | None = (int(days) if days.isdecimal() else days) if days else None
    try:
        body = {"name": asked["name"], "scopes": asked["scopes"], "expires_days": expires}
        return _page(new_key=api().post("/v1/keys", body))
    except ApiError as error:
        if error.status >= 500 or error.status == 401:
            raise
        flash(error.message, "problem")
        return _page(asked=asked), error.status


@blueprint.post("/keys/<key_id>/revoke")
@needs("admin")
def revoke_key(key_id: str) -> Response:
    """Revoke a key; who uses it is turned away from now on."""
    try:
        api().delete(f"/v1/keys/{key_id}")
        flash(gettext("The key is revoked."))
    except ApiError as error:
        if error.status == 401:
            raise
        flash(error.message, "problem")
    return redirect(url_for("admin.page", _anchor="keys"))


@blueprint.post("/engines/<name>/<any(load, unload):what>")
@needs("admin")
def engine(name: str, what: str) -> Response:
    """Load an engine or free its memory."""
    try:
        api().post(f"/v1/engines/{name}/{what}")
        done = (
            gettext("%(name)s is loaded.", name=name) if what == "load" else gettext("%(name)s is unloaded.", name=name)
        )
        flash(done)
    except ApiError as error:
        if error.status == 401:
            raise
        flash(error.message, "problem")
    return redirect(url_for("admin.page"))


@blueprint.post("/clean-up")
@needs("admin")
def clean_up() -> Response:
    """Remove now what is not to be kept any longer; the API writes it into its audit trail."""
    told = api().post("/v1/system/retention/clean-up")
    removed, left = told["removed"], told["due"]["jobs"]
    flash(
        gettext(
            "Removed: jobs %(jobs)s, expired audio %(audio)s, together %(bytes)s.",
            jobs=number(removed["jobs"]),
            audio=number(removed["audio"]),
            bytes=size(removed["bytes"]),
        )
    )
    if left:
        flash(
            gettext("Jobs still to go: %(count)s. The server goes on with them, or clean up again.", count=number(left))
        )
    return redirect(url_for("admin.page", _anchor="retention"))
