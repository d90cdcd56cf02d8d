"""What the API offers, as the forms need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from tingshuo_webui.accounts import account, api
from tingshuo_webui.api import Json


def engines_of(models: Iterable[Json], kind: str) -> list[Json]:
    """The engines of a kind that can work: id, languages, model."""
    return [{"id": model["id"], **model["tingshuo"]} for model in models if model["tingshuo"]["kind"] == kind]


def starters(engines: Iterable[Json], kind: str = "") -> list[str]:
    """Names of the engines that run on their small starter model, of which the pages must tell."""
    return [
        engine["name"]
        for engine in engines
        if engine.get("model") and engine["model"]["origin"] == "starter" and kind in ("", engine["kind"])
    ]


def by_engine(voices: Iterable[Json]) -> dict[str, list[Json]]:
    """Voices under the engine that has them, in the order of the API (the default engine first)."""
    grouped: dict[str, list[Json]] = {}
    for voice in voices:
        grouped.setdefault(voice["model"], []).append(voice)
    return grouped


def callers() -> dict[str, str]:
    """The names of all keys by their id, for an account that may see what others did; else none."""
    found = account()
    keys = api().get("/v1/keys")["data"] if found and found.may("admin") else []
    return {key["id"]: key["name"] for key in keys}


def filters_of(given: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that a query has a value for."""
    return {name: value for name in names if (value := given.get(name, "").strip())}


def as_query(chosen: Mapping[str, str]) -> dict[str, str]:
    """The filters of a form as the API takes them: whole days (UTC), the last one included, become moments."""
    query = dict(chosen)
    for name, days in (("since", 0), ("until", 1)):
        if name in query:
            try:
                day = date.fromisoformat(query[name]) + timedelta(days=days)
                query[name] = f"{day.isoformat()}T00:00:00+00:00"
            except (ValueError, OverflowError):
                pass  # the API says what is wrong with it
    return query
