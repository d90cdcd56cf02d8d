"""The pages, one file each, and what all of them share."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect

from tingshuo_webui import accounts, filters, gateway, security
from tingshuo_webui.language import LANGUAGES, THEMES, language, theme
from tingshuo_webui.pages import admin, board, failures, history, job, lab, preferences, sign_in, speak, transcribe
from tingshuo_webui.words import EMOTIONS, EVENTS, script_words

_PAGES = (sign_in, preferences, transcribe, speak, lab, history, job, board, admin)


def install(app: Flask) -> None:
    """Give `app` its pages, languages, headers, and protection of forms."""
    Babel(app, locale_selector=language)
    csrf = CSRFProtect(app)
    # It looks into a form for its token and so would read an upload; the gateway looks at the header itself.
    csrf.exempt(gateway.blueprint)
    app.register_blueprint(gateway.blueprint)
    for page in _PAGES:
        app.register_blueprint(page.blueprint)
    app.teardown_request(accounts.close_api)
    filters.install(app)
    security.install(app)
    failures.install(app)

    @app.context_processor
    def shared() -> dict[str, object]:
        """What every template may use."""
        return {
            "account": accounts.account(),
            "language": language(),
            "languages": LANGUAGES,
            "theme": theme(),
            "themes": THEMES,
            "nonce": security.nonce,
            "emotions": EMOTIONS,
            "events": EVENTS,
            "script_words": script_words,
        }
