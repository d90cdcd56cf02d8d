"""What commands print: data on stdout, everything else on stderr, each error on one line."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

import typer
from typer.core import TyperGroup

from tingshuo.errors import TingshuoError

#: Exit codes: some of the work failed; the command could not be run as asked; Ctrl-C (128 + SIGINT).
FAILED, REFUSED, INTERRUPTED = 1, 2, 130

#: Told (done, in all).
Report: TypeAlias = Callable[[int, int], None]


class OneLineErrors(TyperGroup):
    """A command group that tells every expected error in one line on stderr and exits with 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,  # noqa: ANN401 - typer's own signature
    ) -> NoReturn:
        _speak_utf8()
        with _closed_pipe_is_the_end():
            run = super().main
            sys.exit(_exit_code(lambda: run(args, prog_name, standalone_mode=False, **extra)))


def _exit_code(run: Callable[[], object]) -> int:
    try:
        code = run()
    except typer.TyperException as error:
        return complain(error.format_message())
    except TingshuoError as error:
        return complain(error.message)
    except typer.Abort:
        return INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return complain(f"{where}{error.strerror or error}")
    if code == INTERRUPTED:  # typer's exit code for Ctrl-C
        note("interrupted")
    return code if isinstance(code, int) else 0


@contextlib.contextmanager
def _closed_pipe_is_the_end() -> Iterator[None]:
    """`tingshuo … | head` ends quietly: what cannot be written any more is dropped."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it exits; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


def _speak_utf8() -> None:
    # A file name that is not UTF-8 holds surrogates; as \udcff it can be printed and, in JSON, read back.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """`text` on one line and without anything a terminal would obey."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def complain(message: str) -> int:
    """Tell an error and give the exit code for it."""
    note(f"error: {' '.join(message.split())}")
    return REFUSED


def note(text: str) -> None:
    """One line on stderr."""
    print(printable(text), file=sys.stderr, flush=True)


def emit(text: str) -> None:
    """Data on stdout."""
    print(text)


def refuse(message: str) -> NoReturn:
    """End the command as used wrongly."""
    raise typer.BadParameter(message)


@contextlib.contextmanager
def progress_bar(title: str, *, shown: bool | None, unit: Literal["bytes", "items"]) -> Iterator[Report]:
    """A progress bar on stderr.

    `shown` None: where stderr is a terminal.
    """
    if not (sys.stderr.isatty() if shown is None else shown):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    # A file in place of a terminal gets the last state only.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), count, TimeRemainingColumn())
    # Redirected, stdout would end up on stderr wherever only that is a terminal.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns on stdout: a table on a terminal, else one line a row with tabs between, for cut and awk."""
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            emit("\t".join(map(printable, row)))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in rows:
        grid.add_row(*(Text(printable(cell)) for cell in row))
    Console(highlight=False).print(grid)
