"""The web pages of Tingshuo: a Flask application that talks to the public API and to nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tingshuo_webui.settings import WebSettings, WrongSetting, kept_secret

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["WebSettings", "WrongSetting", "create_app", "mounted"]
__version__ = "0.1.0"

#: Bytes of a request that the pages themselves read; the gateway passes uploads on unread and lifts this.
_MAX_FORM = 2**20


def create_app(settings: WebSettings | None = None) -> Flask:
    """The pages as a WSGI application. Raises `WrongSetting`."""
    from flask import Flask

    from tingshuo_webui import accounts, pages

    settings = settings or WebSettings.from_environment()
    app = Flask(__name__)
    app.extensions["tingshuo_webui"] = settings
    accounts.install(app, _private(settings.data_dir / "sessions"))
    app.config.update(
        SECRET_KEY=settings.secret,
        MAX_CONTENT_LENGTH=_MAX_FORM,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        SESSION_COOKIE_NAME="tingshuo_session",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=settings.https,
        BABEL_DEFAULT_LOCALE="en",
    )
    pages.install(app)
    return app


def mounted(api_url: str, data_dir: Path) -> Flask:
    """The pages for a server that has the API at `api_url` and shows them beside it; they write to `data_dir`."""
    return create_app(WebSettings(api_url=api_url, data_dir=data_dir, secret=kept_secret(data_dir)))


def _private(folder: Path) -> Path:
    """A folder that only this user can look into: it will hold API keys."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise WrongSetting(f"TINGSHUO_WEBUI_DATA_DIR: cannot write {folder}: {error}") from error
    return folder
