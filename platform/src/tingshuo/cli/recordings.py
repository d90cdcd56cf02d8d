"""The recordings a command line names: files, folders with everything below them, `-` for stdin."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tingshuo.cli.console import refuse

_ENDINGS = """
    .3gp .aac .ac3 .aif .aifc .aiff .amr .caf .flac .m4a .m4b .m4v .mka .mkv .mov .mp2 .mp3 .mp4 .mpga .oga .ogg .opus
    .wav .wave .weba .webm
"""
#: Endings taken from folders; a file named outright is read whatever its ending.
ENDINGS = frozenset(_ENDINGS.split())

STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to transcribe. `name` is its path below the folder that results mirror."""

    path: Path
    name: str


def find_recordings(arguments: Sequence[Path]) -> list[Recording]:
    """What the arguments name, folders sorted, nothing twice. A path that does not exist ends the command."""
    if STDIN in arguments:
        if len(arguments) > 1:
            refuse("'-' (stdin) stands alone")
        return [Recording(STDIN, "stdin")]
    for argument in arguments:
        if not argument.exists():
            refuse(f"{argument} does not exist")
    root = _root([argument.absolute() for argument in arguments])
    paths = dict.fromkeys(path for argument in arguments for path in _below(argument.absolute()))
    if not paths:
        refuse(
            f"no recording lies in {', '.join(map(str, arguments))}; endings looked for: {' '.join(sorted(ENDINGS))}"
        )
    return [Recording(path, path.relative_to(root).as_posix()) for path in paths]


def recordings_in(folder: Path) -> list[Recording]:
    """Every recording below a folder, sorted; none is no error."""
    root = folder.absolute()
    return [Recording(path, path.relative_to(root).as_posix()) for path in _below(root)]


def _root(paths: list[Path]) -> Path:
    """The folder below which all lie: one folder itself, so that its name is not repeated among the results."""
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from _walk(path, set())
    else:
        yield path


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    # Links are followed, so a folder may come up again inside itself; its device and inode tell.
    stat = folder.stat()
    if (stat.st_dev, stat.st_ino) in seen:
        return
    seen.add((stat.st_dev, stat.st_ino))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), seen)
        elif entry.is_file() and Path(entry.name).suffix.lower() in ENDINGS:
            yield Path(entry.path)
