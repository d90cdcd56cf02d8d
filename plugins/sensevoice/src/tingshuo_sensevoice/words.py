"""Tokens of the CTC head -> words with times, and texts joined as they are written.

Frame k of the network (queries not counted) is the middle of LFR frame k: fbank frames 6k-3 to 6k+3, so its centre
lies 60 k + 12.5 ms into the clip, and it stands for the 60 ms around that.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from tingshuo import Word
from tingshuo_sensevoice.model import Token

#: What sentencepiece writes for the space before a word.
SPACE = "\u2581"
#: First and last of: radicals and CJK marks; kana; more kana and Han; Han compatibility; full-width forms; rare Han.
_TIGHT = (
    ("\u2e80", "\u303f"),
    ("\u3040", "\u30ff"),
    ("\u31f0", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\uff00", "\uffef"),
    ("\U00020000", "\U0003ffff"),
)


@dataclass(frozen=True, slots=True)
class Clock:
    """Frames to seconds in the whole audio, for a clip that starts at `start` and ends at `end` seconds."""

    start: float
    end: float
    frame: float
    first_centre: float

    def begin_of(self, frame: int) -> float:
        """When `frame` begins (and the one before it ends), never outside the clip."""
        seconds = self.start + frame * self.frame + self.first_centre - self.frame / 2
        return round(min(max(seconds, self.start), self.end), 3)


def words_of(
    tokens: Iterable[Token], piece_of: Callable[[int], str], silent: Collection[int], clock: Clock
) -> list[Word]:
    """Words in order: one character each in Chinese and Japanese, pieces up to the next space elsewhere.

    Marks join the word before them and leave its times alone. A piece of several Chinese characters is divided
    evenly, since the network gives one time for all of them. The score is the lowest of a word's pieces.
    """
    words: list[Word] = []
    apart = True  # whether what comes next begins a word
    for token in tokens:
        if token.id in silent:
            apart = True
            continue
        units = _units(piece_of(token.id))
        for position, (text, spaced) in enumerate(units):
            apart = apart or spaced
            if not text:
                continue
            here = _timed(text, token, clock, position, units)
            if words and _is_mark(text):
                words[-1] = replace(words[-1], text=words[-1].text + text)
            elif words and not apart and not is_cjk(text[0]) and not is_cjk(words[-1].text[-1]):
                words[-1] = _joined(words[-1], here)
            else:
                words.append(here)
            apart = False
    return words


def _units(piece: str) -> list[tuple[str, bool]]:
    """A piece as single CJK characters and runs of others; whether a space stands before each."""
    units: list[tuple[str, bool]] = []
    spaced = False
    for letter in piece:
        if letter == SPACE or letter.isspace():
            spaced = True
        elif units and not spaced and not is_cjk(letter) and not is_cjk(units[-1][0]):
            units[-1] = (units[-1][0] + letter, units[-1][1])
        else:
            units.append((letter, spaced))
            spaced = False
    return [*units, ("", True)] if spaced else units


def _timed(text: str, token: Token, clock: Clock, position: int, units: Sequence[tuple[str, bool]]) -> Word:
    count = sum(1 for unit, _ in units if unit)
    begin, end = clock.begin_of(token.start), clock.begin_of(token.end)
    step = (end - begin) / count
    return Word(text, round(begin + position * step, 3), round(begin + (position + 1) * step, 3), token.score)


def _joined(word: Word, more: Word) -> Word:
    score = None if word.score is None or more.score is None else min(word.score, more.score)
    return Word(word.text + more.text, word.start, more.end, score)


def is_cjk(text: str) -> bool:
    """Whether a character is written without spaces around it: Han, kana, and full-width marks."""
    return any(low <= text <= high for low, high in _TIGHT)


def _is_mark(text: str) -> bool:
    return all(unicodedata.category(letter).startswith("P") for letter in text) and text not in ("'", "-")


def join_texts(texts: Iterable[str]) -> str:
    """Texts one after the other: a space between them, none between two CJK characters."""
    joined = ""
    for text in filter(None, texts):
        tight = not joined or (is_cjk(joined[-1]) and is_cjk(text[0]))
        joined += text if tight else f" {text}"
    return joined
