"""Command groups that plugins may add to. Plugins are imported only when their commands may be meant."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import typer
import typer.core
import typer.main

from tingshuo.cli.console import OneLineErrors, note


class _Extensible(typer.core.TyperGroup):
    """A group whose own commands win; plugins are asked for any other name, and for the list."""

    place: ClassVar[Literal["cli", "models"]]
    _asked = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer keeps click to itself
        """The command of that name."""
        if cmd_name not in self.commands:
            self._ask_plugins()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """Names of all commands."""
        self._ask_plugins()
        return super().list_commands(ctx)

    def _ask_plugins(self) -> None:
        if self._asked:
            return
        self._asked = True
        from tingshuo.errors import ConfigurationError
        from tingshuo.plugins import add_commands
        from tingshuo.settings import load_settings

        groups = {"cli": typer.Typer(), "models": typer.Typer()}
        try:
            failures = add_commands(groups["cli"], groups["models"], load_settings())
        except ConfigurationError as error:
            note(f"plugins are left out: {error.message}")
            return
        for failure in failures:
            note(f"plugin {failure.plugin} is left out: {failure.reason}")
        for name, command in typer.main.get_group(groups[self.place]).commands.items():
            self.commands.setdefault(name, command)


class Root(_Extensible, OneLineErrors):
    """`tingshuo`."""

    place = "cli"


class Models(_Extensible):
    """`tingshuo models`."""

    place = "models"
