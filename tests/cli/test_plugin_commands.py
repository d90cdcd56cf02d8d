"""Commands that plugins add: found, isolated from each other, and never in place of the platform's own."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from tingshuo import hookimpl, plugins
from tingshuo.cli import app
from tingshuo.settings import Settings


@hookimpl
def register_commands(cli: typer.Typer, models: typer.Typer) -> None:
    """A plugin's two commands, one of them under the name of the platform's own."""

    @cli.command()
    def hello() -> None:
        typer.echo("hello of the plugin")

    @models.command("list")
    def usurper() -> None:
        typer.echo("list of the plugin")


def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install one plugin that works and one that cannot be imported."""
    module = ModuleType("greeting_plugin")
    module.register_commands = register_commands  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "greeting_plugin", module)
    points = [
        EntryPoint(name="broken", value="no_such_plugin_module", group="tingshuo"),
        EntryPoint(name="greeting", value="greeting_plugin", group="tingshuo"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)


def test_a_command_of_a_plugin_runs_although_another_plugin_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    done = CliRunner().invoke(app, ["hello"])
    assert "hello of the plugin" in done.stdout
    assert "plugin broken is left out: ModuleNotFoundError" in done.stderr


def test_the_help_lists_the_commands_of_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    assert "hello" in CliRunner().invoke(app, ["--help"]).stdout


def test_a_command_of_the_platform_wins_and_asks_no_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    done = CliRunner().invoke(app, ["models", "list"])
    assert "list of the plugin" not in done.stdout
    assert "left out" not in done.stderr


def test_blocked_plugins_add_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    cli, models = typer.Typer(), typer.Typer()
    failures = plugins.add_commands(cli, models, Settings(blocked_plugins=("greeting", "broken")))
    assert not failures
    assert not cli.registered_commands
