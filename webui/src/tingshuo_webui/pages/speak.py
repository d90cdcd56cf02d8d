"""/speak: text in, speech out."""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import api, needs
from tingshuo_webui.choices import by_engine, starters

blueprint = Blueprint("speak", __name__)

FORMATS = ("mp3", "wav", "flac", "opus", "aac")


@blueprint.get("/speak")
@needs("speak")
def page() -> str | Response:
    """The editor, the voices with what they can do, and the takes to compare."""
    voices = by_engine(api().get("/v1/audio/voices")["voices"])
    engines = api().get("/v1/engines")["data"]
    return render_template("speak.html", voices=voices, starters=starters(engines, "synthesizer"), formats=FORMATS)
