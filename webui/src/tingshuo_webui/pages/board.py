"""/calls: many recordings at a glance, the worst first, and the trends by day and by caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import api, needs
from tingshuo_webui.api import Json
from tingshuo_webui.choices import as_query, callers, filters_of
from tingshuo_webui.filters import shares_told
from tingshuo_webui.words import EMOTIONS, EVENTS

blueprint = Blueprint("board", __name__)

_NARROWING = ("emotion", "event", "since", "until", "caller", "q")
#: Recordings on one page, and days or callers in one trend.
PAGE, TREND = 50, 31


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a trend, and where its recordings are listed."""

    name: str
    url: str
    calls: int
    bad_mood: float


@blueprint.get("/calls")
@needs("jobs")
def page() -> str | Response:
    """The recordings that match, worst mood first, and the trends; the server ranks all of them, not this page."""
    chosen = filters_of(request.args, (*_NARROWING, "order"))
    narrowed = as_query({name: value for name, value in chosen.items() if name != "order"})
    client = api()
    found = client.get("/v1/calls", limit=PAGE, after=request.args.get("after"), order=chosen.get("order"), **narrowed)
    days = client.get("/v1/calls/trends", by="day", **narrowed)["data"]
    by_caller = client.get("/v1/calls/trends", by="caller", **narrowed)["data"]
    return render_template(
        "board.html",
        calls=[_shown(call) for call in found["data"]],
        totals=totals(days),
        days=[_day(row, chosen) for row in days[:TREND]],
        by_caller=[_caller(row, chosen) for row in by_caller[:TREND]],
        callers=callers(),
        chosen=chosen,
        following=url_for("board.page", **{**chosen, "after": found["next"]}) if found["next"] else None,
        emotion_names=EMOTIONS,
        event_names=EVENTS,
    )


def _shown(call: Json) -> Json:
    """The call with the bar of its emotions, and that bar in words."""
    seconds = {name: float(call["emotions"][name]) for name in EMOTIONS if call["emotions"].get(name)}
    total = sum(seconds.values())
    shares = [(name, value, value / total) for name, value in seconds.items()]
    return {**call, "shares": shares, "told": shares_told(shares)}


def _day(row: Json, chosen: dict[str, str]) -> Row:
    url = url_for("board.page", **{**chosen, "since": row["day"], "until": row["day"]})
    return Row(row["day"], url, row["calls"], row["bad_mood"])


def _caller(row: Json, chosen: dict[str, str]) -> Row:
    url = url_for("board.page", **{**chosen, "caller": row["caller"]})
    return Row(row["name"] or row["caller"], url, row["calls"], row["bad_mood"])


def totals(rows: list[Json]) -> dict[str, Any]:
    """The rows of a trend together: calls, their mean share of bad mood, seconds of audio."""
    calls = sum(row["calls"] for row in rows)
    bad = sum(row["calls"] * row["bad_mood"] for row in rows)
    seconds = sum(row["audio_seconds"] for row in rows)
    return {"calls": calls, "bad_mood": bad / calls if calls else None, "audio_seconds": seconds}
