"""`tingshuo frontend`: what each stage of the Chinese front end makes of a text.

The imports of the front end are inside: dictionaries are read when the command runs, not when the program starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.frontend import FrontEnd

_JSON_STAGES = ("normalized", "pinyin", "symbols")


def frontend(
    text: Annotated[list[str] | None, typer.Argument(help="The text, or SSML in <speak> tags.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Read lines from standard input, print one JSON object a line.")
    ] = False,
    lexicon: Annotated[Path | None, typer.Option(help="File of own readings: word, tab, pinyin or ARPAbet.")] = None,
) -> None:
    """Show how a Chinese text is read: normalised, segmented, in pinyin, as symbols."""
    from tingshuo.errors import TingshuoError
    from tingshuo_sambert_hifigan.frontend import FrontEnd, Lexicon

    try:
        front_end = FrontEnd(Lexicon.from_file(lexicon) if lexicon else None)
        if as_json:
            failed = _json_lines(front_end, text or (line.rstrip("\r\n") for line in sys.stdin))
            raise typer.Exit(1 if failed else 0)
        if not text:
            raise typer.BadParameter("give a text, or --json to read lines from standard input", param_hint="TEXT")
        for stage, value in front_end.stages(" ".join(text)).items():
            typer.echo(f"{stage:<11} {value}" if isinstance(value, str) else f"{stage}\n" + "\n".join(value))
    except TingshuoError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(1) from error


def _json_lines(front_end: FrontEnd, lines: Iterator[str] | list[str]) -> int:
    """One object per line, in order; a line that cannot be read gives `{"error": …}`. The number of those."""
    from tingshuo.errors import InvalidRequest

    failed = 0
    for line in lines:
        try:
            stages = front_end.stages(line)
            found: dict[str, object] = {stage: stages[stage] for stage in _JSON_STAGES}
        except InvalidRequest as error:
            failed += 1
            found = {"error": {"code": error.code, "message": error.message}}
        typer.echo(json.dumps(found, ensure_ascii=False))
    return failed
