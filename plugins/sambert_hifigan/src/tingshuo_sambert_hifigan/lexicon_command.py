"""`tingshuo lexicon`: the readings that the voices use from the next text on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.user_lexicon import UserLexicon

Word = Annotated[str, typer.Argument(metavar="WORD")]

lexicon = typer.Typer(help="How words are read: own pinyin or ARPAbet.", no_args_is_help=True)


def _opened() -> UserLexicon:
    # The dictionaries of the front end are read when the command runs, not for the help.
    from tingshuo.settings import load_settings
    from tingshuo_sambert_hifigan.config import read_config
    from tingshuo_sambert_hifigan.reading import lexicon_path
    from tingshuo_sambert_hifigan.user_lexicon import UserLexicon

    settings = load_settings()
    return UserLexicon(lexicon_path(settings, read_config(settings)))


@lexicon.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Print the words with their readings, parted by a tab."""
    entries = _opened().entries()
    if as_json:
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
    else:
        for word, reading in entries.items():
            typer.echo(f"{word}\t{reading}")


@lexicon.command("set")
def set_(
    word: Word,
    reading: Annotated[str, typer.Argument(metavar="READING", help="chong2 qing4, or HH AH0 L OW1.")],
) -> None:
    """Set the reading of a word; running servers use it from the next text on."""
    typer.echo("\t".join(_opened().put(word, reading)))


@lexicon.command()
def remove(word: Word) -> None:
    """Forget the reading of a word."""
    _opened().remove(word)
