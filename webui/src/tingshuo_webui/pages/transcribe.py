"""/: recordings and the microphone in, transcripts out."""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import account, api, needs
from tingshuo_webui.choices import engines_of, starters

blueprint = Blueprint("transcribe", __name__)


@blueprint.get("/")
@needs()
def page() -> str | Response:
    """Files, the microphone, and what is being worked on."""
    found = account()
    if found and not found.may("transcribe"):
        return render_template("welcome.html")
    engines = api().get("/v1/engines")["data"]
    models = api().get("/v1/models")["data"]
    return render_template(
        "transcribe.html", engines=engines_of(models, "recognizer"), starters=starters(engines, "recognizer")
    )
