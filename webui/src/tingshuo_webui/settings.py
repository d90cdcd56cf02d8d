"""Settings of the pages, from the environment (TINGSHUO_WEBUI_*); the only reader of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PREFIX = "TINGSHUO_WEBUI_"


class WrongSetting(Exception):
    """A setting that cannot be used; the message names it and says what would be right."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the API is, where sessions are kept, and how cookies are sent."""

    api_url: str
    data_dir: Path
    secret: str = field(repr=False)
    https: bool = False
    session_hours: float = 12.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> WebSettings:
        """What TINGSHUO_WEBUI_* say. Raises `WrongSetting`."""
        data_dir = Path(environment.get(PREFIX + "DATA_DIR") or _default_folder(environment)).expanduser().absolute()
        return cls(
            api_url=_url(environment.get(PREFIX + "API_URL") or "http://127.0.0.1:8000"),
            data_dir=data_dir,
            secret=_given_secret(environment) or kept_secret(data_dir),
            https=_truth(environment.get(PREFIX + "HTTPS") or "false"),
            session_hours=_hours(environment.get(PREFIX + "SESSION_HOURS") or "12"),
        )


def kept_secret(data_dir: Path) -> str:
    """The secret kept in `data_dir`, made by the first process that asks."""
    path = data_dir / "secret"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = data_dir / f"secret.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(new, path)  # fails where another process was first, and is never seen half written
        except FileExistsError:
            pass
        finally:
            new.unlink()
        return path.read_text("utf-8")
    except OSError as error:
        raise WrongSetting(f"{PREFIX}DATA_DIR: cannot write {data_dir}: {error}") from error


def _default_folder(environment: Mapping[str, str]) -> Path:
    if core := environment.get("TINGSHUO_DATA_DIR"):
        return Path(core) / "webui"
    base = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "tingshuo" / "webui"


def _given_secret(environment: Mapping[str, str]) -> str:
    path = environment.get(PREFIX + "SECRET_FILE")
    if not path:
        return environment.get(PREFIX + "SECRET") or ""
    try:
        secret = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{PREFIX}SECRET_FILE: cannot read {path!r}: {error}") from error
    if not secret:
        raise WrongSetting(f"{PREFIX}SECRET_FILE: {path!r} is empty")
    return secret


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongSetting(f"{PREFIX}API_URL is {text!r}; give a URL such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0", "yes", "no"}:
        raise WrongSetting(f"{PREFIX}HTTPS is {text!r}; give true or false")
    return text.lower() in {"true", "1", "yes"}


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 365:
        raise WrongSetting(f"{PREFIX}SESSION_HOURS is {text!r}; give hours, more than 0 and at most a year")
    return hours
