"""The user's own readings: a word in pinyin or in ARPAbet.

A lexicon file is UTF-8 text, one entry a line: the word, a tab, its reading; lines that begin with # are skipped.

    重庆南路<TAB>chong2 qing4 nan2 lu4
    SQLite<TAB>EH1 S K Y UW1 EH1 L AY2 T
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tingshuo.errors import ConfigurationError, InvalidRequest
from tingshuo_sambert_hifigan.frontend.english import Phones, is_arpabet, syllabify
from tingshuo_sambert_hifigan.frontend.phones import split_syllable
from tingshuo_sambert_hifigan.frontend.words import Word

#: Longest word that an entry may have, in characters.
LONGEST = 32


def parse_reading(reading: str) -> tuple[list[str], tuple[Phones, ...]]:
    """Pinyin syllables, or ARPAbet syllables, of a written reading; the other one is empty.

    ARPAbet is written in capitals with stress digits (`HH AH0 L OW1`). Raises `InvalidRequest` for neither.
    """
    parts = reading.split()
    if not parts:
        raise InvalidRequest("a reading is empty; write pinyin such as hao3 or ARPAbet such as HH AH0 L OW1")
    if all(part.isupper() and is_arpabet(part) for part in parts):
        if not any(part[-1].isdigit() for part in parts):
            raise InvalidRequest(f"the reading {reading!r} has no vowel; vowels carry a stress digit: AH0, OW1")
        return [], syllabify(tuple(parts))
    return ["{}{}".format(*split_syllable(part)) for part in parts], ()


def read_lexicon(path: Path) -> dict[str, str]:
    """Word -> reading of a lexicon file. Raises `ConfigurationError` with the line number."""
    entries: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the lexicon {path} cannot be read as UTF-8 text: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, reading = line.partition("\t")
        try:
            Lexicon({word: reading})
        except InvalidRequest as error:
            raise ConfigurationError(f"{path}, line {number}: {error.message}") from error
        entries[word] = reading
    return entries


class Lexicon:
    """Words with given readings, found in text by longest match; Latin words match in any case, whole words only."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        """Raises `InvalidRequest` for a word that is empty or too long and for a reading that is none."""
        self._readings: dict[str, tuple[list[str], tuple[Phones, ...]]] = {}
        self._lengths: dict[str, list[int]] = {}
        for word, reading in (entries or {}).items():
            self._add(word.strip(), reading)
        for lengths in self._lengths.values():
            lengths.sort(reverse=True)

    @classmethod
    def from_file(cls, path: Path) -> Lexicon:
        """The entries of a lexicon file. Raises `ConfigurationError` with the line number."""
        return cls(read_lexicon(path))

    def __bool__(self) -> bool:
        return bool(self._readings)

    def __iter__(self) -> Iterator[str]:
        return iter(self._readings)

    def _add(self, word: str, reading: str) -> None:
        if not word or len(word) > LONGEST or not re.search(r"\w", word):
            raise InvalidRequest(f"{word!r} is no lexicon word: one to {LONGEST} characters, a letter or digit in it")
        key = word.lower()
        self._readings[key] = parse_reading(reading)
        self._lengths.setdefault(key[0], [])
        if len(key) not in self._lengths[key[0]]:
            self._lengths[key[0]].append(len(key))

    def word(self, text: str) -> Word:
        """The entry as a word; `text` is as it was written."""
        syllables, english = self._readings[text.lower()]
        return Word(text, syllables=list(syllables), english=english, fixed=True)

    def split(self, text: str) -> Iterator[tuple[str, bool]]:
        """`text` in stretches, each with whether it is an entry; joined they are `text` again."""
        lowered = text.lower() if len(text.lower()) == len(text) else text
        start = at = 0
        while at < len(text):
            length = self._match(lowered, at)
            if length:
                if start < at:
                    yield text[start:at], False
                yield text[at : at + length], True
                start = at = at + length
            else:
                at += 1
        if start < len(text):
            yield text[start:], False

    def _match(self, text: str, at: int) -> int:
        for length in self._lengths.get(text[at], ()):
            end = at + length
            if text[at:end] in self._readings and _whole(text, at, end):
                return length
        return 0


def _whole(text: str, start: int, end: int) -> bool:
    """Whether a Latin word or number is not cut out of a longer one."""

    def joined(left: str, right: str) -> bool:
        return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()

    return not (start and joined(text[start - 1], text[start])) and not (
        end < len(text) and joined(text[end - 1], text[end])
    )
