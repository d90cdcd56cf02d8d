"""How words sound, coarsely: toneless and toned pinyin of Han characters, consonants of Latin words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import pypinyin

#: Readings of a character that are tried beside the one in context; the further ones are rare or old.
_READINGS = 2
#: Sounds that speakers of many regions, and recognisers, do not keep apart: the first is written as the second.
_ALIKE = ((re.compile("^([zcs])h"), r"\1"), (re.compile("^n"), "l"), (re.compile("ng$"), "n"))
#: Spelling -> sound, tried in this order; what is left of vowels, h, w and y is not heard as a consonant.
_CONSONANTS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("sch|sh|tch|ch|tio|sio|j", "x"),
        ("ph|v", "f"),
        ("ck|qu|q", "k"),
        ("c(?=[eiy])|z", "s"),
        ("gh(?=t|$)", ""),
        ("x(?!$)", "x"),
        ("[cg]", "k"),
        ("b", "p"),
        ("th|d", "t"),
        ("(?<=.)[aeiouhwy]", ""),
    )
)


def is_han(letter: str) -> bool:
    """Whether a character is a Han one, so that it has a syllable."""
    return "\u3400" <= letter <= "\u9fff" or "\U00020000" <= letter <= "\U000323af" or letter == "〇"


def syllables(text: str) -> list[str]:
    """The toneless syllable of each character of a text in Han characters, as phrases have it (重庆: chong qing)."""
    return _spelled(text, pypinyin.Style.NORMAL)


def toned(text: str) -> list[str]:
    """The syllables with the number of their tone: hui4 yi4."""
    return _spelled(text, pypinyin.Style.TONE3)


def _spelled(text: str, style: pypinyin.Style) -> list[str]:
    # pypinyin's stubs know only of a str from `errors`; a list is what keeps unknown characters apart.
    single: object = list
    return [str(part) for part in pypinyin.lazy_pinyin(text, style=style, errors=single)]  # type: ignore[arg-type]


@lru_cache(maxsize=30_000)
def readings(letter: str) -> frozenset[str]:
    """The commonest toneless readings of one character, whatever stands beside it."""
    found = pypinyin.pinyin(letter, style=pypinyin.Style.NORMAL, heteronym=True)
    return frozenset(found[0][:_READINGS]) if found else frozenset()


@lru_cache(maxsize=4_096)
def alike(syllable: str) -> str:
    """The syllable without what is often confused: z/zh, c/ch, s/sh, n/l at its beginning, n/ng at its end."""
    for pattern, sound in _ALIKE:
        syllable = pattern.sub(sound, syllable)
    return syllable


@lru_cache(maxsize=30_000)
def consonants(letters: str) -> str:
    """The consonants of a Latin word in lower case as they sound, voiced ones as unvoiced: kubernetes -> kpnts…

    The letters of a first vowel become `a`; doubled sounds count once.
    """
    for pattern, sound in _CONSONANTS:
        letters = pattern.sub(sound, letters)
    letters = re.sub("^[aeiouwhy]+", "a", letters)
    return re.sub(r"(.)\1+", r"\1", letters)


def joined_letters(tokens: Sequence[str]) -> str:
    """Latin words as one, in one case, without apostrophes."""
    return re.sub("['’]", "", "".join(tokens)).casefold()
