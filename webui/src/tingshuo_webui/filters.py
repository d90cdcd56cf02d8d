"""How values look on a page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel.numbers import format_percent
from flask import Flask
from flask_babel import format_datetime, format_decimal, get_locale, gettext
from flask_babel import lazy_gettext as _

from tingshuo_webui.words import EMOTIONS, ENGINE_STATES, EVENTS, JOB_STATES, KINDS, LANGUAGES

#: What an engine does -> the word for it.
ENGINE_KINDS = {"recognizer": _("recogniser"), "synthesizer": _("voice")}


def seconds(value: float | None) -> str:
    """`1:02:03.4`, `2:03.4`, or a dash where there is none."""
    if value is None:
        return "–"
    tenths = round(value * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    tail = f"{minutes:02d}:{rest // 10:02d}" if hours else f"{minutes}:{rest // 10:02d}"
    return f"{hours}:{tail}.{rest % 10}" if hours else f"{tail}.{rest % 10}"


def moment(value: str | float | None) -> str:
    """A time of the API (ISO 8601, UTC) for the visitor's language."""
    if value is None or value == "":
        return "–"
    when = datetime.fromtimestamp(value) if isinstance(value, int | float) else datetime.fromisoformat(value)
    return str(format_datetime(when, "short"))


def percent(value: float | None) -> str:
    """A share, or a dash where there is none."""
    return "–" if value is None else _percent(round(value, 3), str(get_locale()))


@lru_cache(maxsize=4096)
def _percent(value: float, locale: str) -> str:
    """A long transcript tells ten thousand scores, few of which differ."""
    return str(format_percent(value, "0.0%", locale=locale))


def number(value: float | None, digits: int = 0) -> str:
    """A number with the language's separators."""
    return "–" if value is None else str(format_decimal(round(value, digits)))


def size(value: float | None) -> str:
    """Bytes as B, KiB, MiB or GiB."""
    if value is None:
        return "–"
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def word(value: str | None) -> str:
    """The visitor's word for an emotion, event, state, kind or language of the API; itself where there is none."""
    return _word(value, str(get_locale())) if value else "–"


@lru_cache(maxsize=512)
def _word(value: str, _locale: str) -> str:
    """A long transcript names an emotion as often; looking its word up takes as long as the rest of a row."""
    for words in (EMOTIONS, EVENTS, JOB_STATES, ENGINE_STATES, ENGINE_KINDS, KINDS, LANGUAGES):
        if value in words:
            return str(words[value])
    return value


def shares_told(shares: Iterable[tuple[str, float, float]]) -> str:
    """Shares (emotion, seconds, share) in words, for whoever does not see their bar."""
    told = ", ".join(f"{word(name)} {percent(share)}" for name, _seconds, share in shares)
    return told or gettext("No emotion was told.")


def install(app: Flask) -> None:
    """Give the filters to the templates."""
    filters: dict[str, Any] = {
        "seconds": seconds,
        "moment": moment,
        "percent": percent,
        "number": number,
        "size": size,
        "word": word,
    }
    app.jinja_env.filters.update(filters)
