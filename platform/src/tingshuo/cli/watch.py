"""`tingshuo watch`: every recording that comes into a folder is transcribed, once."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tingshuo.cli.console import note, refuse
from tingshuo.cli.recordings import Recording, recordings_in
from tingshuo.cli.style import Format, Locale, Style

if TYPE_CHECKING:
    from tingshuo.cli.transcriber import Transcriber


def watch(
    folder: Annotated[Path, typer.Argument(help="The folder that recordings come into, with all below it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results. Default: beside them.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.JSON,
    language: Annotated[str, typer.Option(help="Code of the language spoken, or auto.")] = "auto",
    channel: Annotated[
        Literal["mix", "left", "right", "split"], typer.Option(help="split: each stereo channel apart.")
    ] = "mix",
    engine: Annotated[str, typer.Option(help="Recognizer; see: tingshuo engines.")] = "",
    rich: Annotated[Locale | None, typer.Option(help="txt with emotions and events named in this language.")] = None,
    settle: Annotated[
        float, typer.Option(min=0.1, help="Seconds for which a file must not have changed to be complete.")
    ] = 5.0,
) -> None:
    """Transcribe what comes into a folder until SIGTERM or Ctrl-C.

    Results and errors.jsonl are written as `transcribe --out` does; a file that has its result is not done again, after
    a restart neither. One that could not be transcribed is tried again when it changes.
    """
    from tingshuo.cli.transcriber import Transcriber
    from tingshuo.cues import Layout
    from tingshuo.settings import load_settings
    from tingshuo.types import TranscribeOptions

    if not folder.is_dir():
        refuse(f"{folder} is no folder")
    style = Style(output, rich, layout=Layout())
    style.check()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with closing(Transcriber(load_settings(), engine, TranscribeOptions(language=language), channel)) as transcriber:
        note(f"watching {folder}")
        _watch(transcriber, folder, out or folder, style, settle, stopped)


def _watch(
    transcriber: Transcriber, folder: Path, out: Path, style: Style, settle: float, stopped: threading.Event
) -> None:
    def report(_done: int, _total: int) -> None:
        if stopped.is_set():
            raise _Stopped

    incoming = Incoming(settle)
    with contextlib.suppress(_Stopped):
        while not stopped.is_set():
            if incoming.look(recordings_in(folder)):
                # All that are complete, for errors.jsonl tells of all; what has its result is passed over.
                transcriber.into_folder(incoming.complete, out, style, report, force=False, retry_failed=False)
            stopped.wait(min(settle / 2, 2.0))


class _Stopped(Exception):
    """The watch is to end, between two recordings."""


@dataclass(slots=True)
class Incoming:
    """Which files have stopped growing. A file counts once for each state (size and time) it comes to rest in."""

    settle: float
    _seen: dict[Path, tuple[tuple[int, int], float]] = field(default_factory=dict)
    _complete: dict[Path, tuple[tuple[int, int], Recording]] = field(default_factory=dict)

    @property
    def complete(self) -> list[Recording]:
        """Those that have not changed for `settle` seconds, when they were looked at last."""
        return [recording for _, recording in self._complete.values()]

    def look(self, recordings: list[Recording]) -> bool:
        """Look at what there is; whether more is complete than before."""
        now, more = time.monotonic(), False
        there = {recording.path: recording for recording in recordings}
        self._complete = {path: known for path, known in self._complete.items() if path in there}
        for path, recording in there.items():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            state = (stat.st_size, stat.st_mtime_ns)
            if path in self._complete and self._complete[path][0] == state:
                continue
            self._complete.pop(path, None)
            before, since = self._seen.get(path, (None, now))
            if before != state:
                self._seen[path] = (state, now)
            elif now - since >= self.settle and stat.st_size:
                self._complete[path] = (state, recording)
                del self._seen[path]
                more = True
        return more
