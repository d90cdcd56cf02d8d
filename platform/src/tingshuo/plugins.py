"""Entry points -> plugin manager -> engines.

Each plugin is imported and asked on its own: one that fails is reported and the others work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

import pluggy

from tingshuo import hookspecs
from tingshuo.engine import Engine
from tingshuo.engine_host import Recipe
from tingshuo.isolation import isolated, isolates
from tingshuo.settings import Settings

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter

    from tingshuo.engines import Engines


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be used, and why in one line."""

    plugin: str
    reason: str


@dataclass(slots=True)
class Plugins:
    """What the installed plugins brought. `engines` is in the order of their names."""

    engines: dict[str, Engine] = field(default_factory=dict)
    failures: list[PluginFailure] = field(default_factory=list)


def _wanted(settings: Settings, points: Iterable[EntryPoint]) -> list[EntryPoint]:
    allowed, blocked = set(settings.plugins), set(settings.blocked_plugins)
    return sorted(
        (point for point in points if (not allowed or point.name in allowed) and point.name not in blocked),
        key=lambda point: point.name,
    )


def _hooks_of(point: EntryPoint) -> pluggy.HookRelay:
    # A manager for one plugin: an implementation that raises would abort the call for all others in it.
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    return manager.hook


def _engines_of(point: EntryPoint, settings: Settings) -> list[Engine]:
    return [engine for found in _hooks_of(point).register_engines(settings=settings) for engine in found]


def load_plugins(settings: Settings, points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Import the installed plugins (or those of `points`) and collect their engines."""
    plugins = Plugins()
    found = entry_points(group=hookspecs.GROUP) if points is None else points
    installed = list(found)
    for name in sorted(set(settings.plugins) - {point.name for point in installed}):
        plugins.failures.append(PluginFailure(name, "TINGSHUO_PLUGINS names it, but it is not installed"))
    for point in _wanted(settings, installed):
        try:
            engines = _engines_of(point, settings)
        except Exception as error:  # noqa: BLE001 - a plugin is foreign code: whatever it raises must not stop the others
            plugins.failures.append(PluginFailure(point.name, f"{type(error).__name__}: {error}"))
            continue
        for engine in engines:
            if engine.name in plugins.engines:
                plugins.failures.append(PluginFailure(point.name, f"engine name {engine.name!r} is taken"))
            else:
                plugins.engines[engine.name] = _placed(engine, point, settings)
    for name in sorted(set(settings.engine_isolation) - {"none", "process", *plugins.engines}):
        plugins.failures.append(PluginFailure(name, "TINGSHUO_ENGINE_ISOLATION names it, but there is no such engine"))
    return plugins


def _placed(engine: Engine, point: EntryPoint, settings: Settings) -> Engine:
    """The engine in this process, or in one of its own."""
    return isolated(engine, Recipe(engine.name, point, settings)) if isolates(settings, engine.name) else engine


def add_commands(
    cli: typer.Typer, models: typer.Typer, settings: Settings, points: Iterable[EntryPoint] | None = None
) -> list[PluginFailure]:
    """Let the installed plugins (or those of `points`) add commands; gives the plugins that failed."""
    failures = []
    for point in _wanted(settings, entry_points(group=hookspecs.GROUP) if points is None else points):
        try:
            _hooks_of(point).register_commands(cli=cli, models=models)
        except Exception as error:  # noqa: BLE001 - a plugin is foreign code: what it raises must not stop the others
            failures.append(PluginFailure(point.name, f"{type(error).__name__}: {error}"))
    return failures


def routes(
    settings: Settings, engines: Engines, points: Iterable[EntryPoint] | None = None
) -> tuple[list[APIRouter], list[PluginFailure]]:
    """The routers that the installed plugins (or those of `points`) bring, and the plugins that failed."""
    from fastapi import APIRouter

    routers: list[APIRouter] = []
    failures = []
    for point in _wanted(settings, entry_points(group=hookspecs.GROUP) if points is None else points):
        try:
            brought = _hooks_of(point).register_routes(settings=settings, engines=engines)
            found = [router for given in brought for router in given]
            odd = next((router for router in found if not isinstance(router, APIRouter)), None)
            if odd is not None:
                raise TypeError(f"register_routes gave {odd!r}, which is no APIRouter")
        except Exception as error:  # noqa: BLE001 - a plugin is foreign code: what it raises must not stop the others
            failures.append(PluginFailure(point.name, f"{type(error).__name__}: {error}"))
            continue
        routers += found
    return routers, failures
