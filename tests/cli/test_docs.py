"""docs/cli.md and docs/models.md are held to the command line."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tingshuo.cli import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROOT: Any = typer.main.get_command(app)


def examples() -> Iterator[str]:
    for page in ("cli.md", "models.md"):
        for block in re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL):
            yield from (line for line in block.splitlines() if line.startswith("tingshuo "))


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize("example", sorted(set(examples())))
def test_every_example_can_be_parsed(example: str) -> None:
    words = shlex.split(re.sub(r"\s<\s\S+|\s>\s\S+", "", example))[1:]
    command = ROOT
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)


def test_every_command_has_an_example() -> None:
    shown = [tuple(example.split()[1:]) for example in examples()]
    missing = [path for path, _ in commands() if not any(words[: len(path)] == path for words in shown)]
    assert missing == []


def test_every_option_is_shown_or_explained() -> None:
    text = (DOCS / "cli.md").read_text("utf-8") + (DOCS / "models.md").read_text("utf-8")
    missing = [
        f"{' '.join(path)} {parameter.opts[0]}"
        for path, command in commands()
        for parameter in command.params
        if parameter.opts[0].startswith("--")
        and parameter.name not in ("help", "progress")
        and not any(name in text for name in (*parameter.opts, *parameter.secondary_opts))
    ]
    assert missing == []


def test_every_command_says_what_it_does() -> None:
    assert all(inspect.getdoc(command.callback) for _, command in commands())
