"""What a page says when it cannot be shown."""

from __future__ import annotations

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from tingshuo_webui import accounts
from tingshuo_webui.api import ApiError


def install(app: Flask) -> None:
    """Give `app` its error pages; scripts get the API's envelope instead."""

    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> ResponseReturnValue:
        if error.status == 401:  # the key was revoked or has expired while the session lasted
            accounts.sign_out()
            return redirect(url_for("sign_in.form", next=request.path if request.method == "GET" else None))
        return _page(error.status, error.message)

    @app.errorhandler(CSRFError)
    def csrf_error(_error: CSRFError) -> ResponseReturnValue:
        return _page(400, _("The form has expired. Go back, load the page again and send it once more."))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        words = {
            403: _("Your key does not allow this."),
            404: _("There is no such page."),
            405: _("This address does not take such a request."),
            413: _("That is more than the server takes."),
        }
        return _page(status, words.get(status) or error.description or error.name)


def _page(status: int, message: str) -> tuple[Response | str, int]:
    if request.path.startswith("/api/"):
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return jsonify(error={"message": message, "type": kind, "param": None, "code": None}), status
    return render_template("failure.html", status=status, message=message), status
