"""The language and theme of the pages: what the visitor chose, else what the browser asks for."""

from __future__ import annotations

from flask import request

#: Code -> its own name.
LANGUAGES = {"en": "English", "zh": "中文"}
THEMES = ("auto", "light", "dark")


def language() -> str:
    """`en` or `zh`."""
    chosen = request.cookies.get("language", "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES)) or "en"


def theme() -> str:
    """`auto` (as the system), `light` or `dark`."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else "auto"
