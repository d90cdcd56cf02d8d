"""Where a line of text may break: not within a Latin word, not before closing marks, anywhere between Han characters.

A small part of the Unicode line breaking rules (UAX #14) and of the Japanese ones (kinsoku, JIS X 4051). Widths are
columns: a wide character (Han, kana, Hangul, full-width marks) takes two, as in Unicode's East Asian Width (UAX #11).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

#: What must not begin a line beside closing marks: small kana and marks that lengthen or repeat what is before them.
_NOT_FIRST = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶー々〻ゝゞヽヾ…‥～〜%％‰℃°")
#: What must not end a line beside opening brackets and quotes: signs of money stay with their figure.
_NOT_LAST = frozenset("$¥￥€£#＃")
#: Marks after which a sentence or a part of one ends.
SENTENCE_ENDS = frozenset("。！？!?.…；;")
CLAUSE_ENDS = frozenset("，、,：:")
_QUOTES = frozenset("\"'")


@dataclass(frozen=True, slots=True)
class Atom:
    """A stretch that stays on one line: `text[start:end]`; `spaced` says that white space stands before it."""

    text: str
    start: int
    end: int
    spaced: bool = False

    @property
    def width(self) -> int:
        """Columns, without the space before."""
        return columns(self.text)


@lru_cache(maxsize=65_536)
def _width(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def columns(text: str) -> int:
    """The width of a text."""
    return sum(map(_width, text))


def atoms(text: str) -> list[Atom]:
    """The text cut wherever a line may break."""
    found: list[Atom] = []
    spaced = False
    for at, letter in enumerate(text):
        if letter.isspace():
            spaced = True
            continue
        last = found[-1] if found else None
        if last and _together(last.text[-1], letter, spaced):
            found[-1] = replace(last, text=text[last.start : at + 1], end=at + 1)
        else:
            found.append(Atom(letter, at, at + 1, spaced and bool(found)))
        spaced = False
    return found


def _together(before: str, after: str, spaced: bool) -> bool:
    """Whether no line may break between two characters, with or without white space between them."""
    if _closes(after):
        # A straight quote opens after white space and closes without.
        return not (spaced and after in _QUOTES)
    if spaced:
        return _opens(before)
    if unicodedata.combining(after) or after == "\N{ZERO WIDTH JOINER}" or before == "\N{ZERO WIDTH JOINER}":
        return True
    return _opens(before) or not (_is_ideographic(before) or _is_ideographic(after))


@lru_cache(maxsize=65_536)
def _closes(letter: str) -> bool:
    category = unicodedata.category(letter)
    return letter in _NOT_FIRST or category in ("Pe", "Pf") or (category == "Po" and letter not in _NOT_LAST)


@lru_cache(maxsize=65_536)
def _opens(letter: str) -> bool:
    return letter in _NOT_LAST or unicodedata.category(letter) in ("Ps", "Pi")


@lru_cache(maxsize=65_536)
def _is_ideographic(letter: str) -> bool:
    """Han, kana and full-width marks, between which lines break; Korean is written with spaces."""
    name = unicodedata.name(letter, "")
    return unicodedata.east_asian_width(letter) in "WF" and not name.startswith("HANGUL")


def joined(parts: Sequence[Atom]) -> str:
    """The text of neighbouring atoms, one space where there was white space."""
    return "".join(f" {part.text}" if part.spaced and at else part.text for at, part in enumerate(parts))


def added_width(line: int, atom: Atom) -> int:
    """Columns of a line of `line` columns after `atom` is put at its end."""
    return line + atom.width + (1 if atom.spaced and line else 0)


def wrap(parts: Sequence[Atom], most_columns: int, first_column: int = 0) -> list[str]:
    """Lines of at most `most_columns` columns, as few as possible and then of like length.

    The first one begins at `first_column`, behind a prefix. An atom wider than a line stands alone on one that is
    too long: words are not split.
    """
    count = len(_greedy(parts, most_columns, first_column))
    narrow, wide = 1, most_columns
    while narrow < wide:  # the narrowest width that needs no more lines makes them alike
        middle = (narrow + wide) // 2
        if len(_greedy(parts, middle, first_column)) <= count:
            wide = middle
        else:
            narrow = middle + 1
    return [joined(line) for line in _greedy(parts, wide, first_column)]


def _greedy(parts: Sequence[Atom], most_columns: int, first_column: int) -> list[list[Atom]]:
    lines: list[list[Atom]] = [[]]
    width = first_column
    for atom in parts:
        after = added_width(width, atom)
        if lines[-1] and after > most_columns:
            lines.append([])
            after = atom.width
        lines[-1].append(atom)
        width = after
    return lines
