"""Routes that plugins add to the API: one plugin that fails never stops another, and none takes a path of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from tingshuo import Settings, hookimpl, plugins
from tingshuo.api import create_app
from tingshuo.api.access import needs
from tingshuo.engines import Engines
from tingshuo.errors import InvalidRequest
from tingshuo.testing import engines_of


def _installed(monkeypatch: pytest.MonkeyPatch, **hooks: Any) -> list[EntryPoint]:
    """Entry points of a broken plugin and of one for each hook given."""
    points = [EntryPoint(name="broken", value="no_such_plugin_module", group="tingshuo")]
    for name, hook in hooks.items():
        module = ModuleType(f"routes_of_{name}")
        module.register_routes = hook  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        points.append(EntryPoint(name=name, value=module.__name__, group="tingshuo"))
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    return points


@hookimpl(specname="register_routes")
def greeting(settings: Settings, engines: Engines) -> Iterable[APIRouter]:
    """One open route, one that needs an admin's key, and one on a path that the platform has."""
    open_router, guarded = APIRouter(), APIRouter(route_class=needs("admin"))

    @open_router.get("/v1/greeting")
    async def greet() -> dict[str, str]:
        return {"speaks": engines.synthesizer().name}

    @open_router.get("/healthz")
    async def usurp() -> dict[str, str]:
        return {"status": "mine"}

    @guarded.get("/v1/secret")
    async def refuse() -> None:
        raise InvalidRequest("not today", param="day")

    return [open_router, guarded]


@hookimpl(specname="register_routes")
def odd(settings: Settings) -> Iterable[object]:
    """What is no router."""
    return ["/v1/odd"]


@hookimpl(specname="register_routes")
def raising() -> Iterable[APIRouter]:
    """A plugin with a mistake."""
    raise ZeroDivisionError("at line 7")


def test_routes_of_a_plugin_work_beside_broken_ones(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _installed(monkeypatch, greeting=greeting, odd=odd, raising=raising)
    app = create_app(settings, engines_of(settings=settings))
    told = [record.message for record in caplog.records if "left out" in record.message]
    assert [line.split(" are left out: ")[0] for line in told] == [
        "the routes of plugin broken",
        "the routes of plugin odd",
        "the routes of plugin raising",
    ]
    with TestClient(app, client=("127.0.0.1", 50_000)) as client:
        assert client.get("/v1/greeting").json() == {"speaks": "tones"}
        assert client.get("/healthz").json() == {"status": "ok"}
        refused = client.get("/v1/secret")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert refused.headers["x-request-id"]
        assert "/v1/greeting" in client.get("/openapi.json").json()["paths"]


def test_a_blocked_plugin_brings_no_routes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    points = _installed(monkeypatch, greeting=greeting)
    routers, failures = plugins.routes(
        settings.model_copy(update={"blocked_plugins": ("greeting", "broken")}), engines_of(settings=settings), points
    )
    assert (routers, failures) == ([], [])
