"""Round trips beside each other, and what was heard beside what was said."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, TypeAlias

Result: TypeAlias = Mapping[str, Any]

_FIGURES = ("cer", "syllable_error_rate", "wer", "emotion_accuracy")


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of two runs, None where a run has none; `better` is 0 or 1, or None where neither is."""

    name: str
    values: tuple[float | None, float | None]
    better: int | None

    @property
    def change(self) -> float | None:
        """The second less the first."""
        one, other = self.values
        return None if one is None or other is None else other - one


@dataclass(frozen=True, slots=True)
class Pair:
    """The same utterance in both runs."""

    items: tuple[Result, Result]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of all, error rates by emotion and by voice, and the utterances that came out differently."""

    figures: tuple[Line, ...]
    emotions: tuple[Line, ...]
    voices: tuple[Line, ...]
    changed: tuple[Pair, ...]
    shared: int


def compared(one: Result, other: Result) -> Comparison:
    """Two results of round trips, line by line."""
    figures = (_line(name, one.get(name), other.get(name)) for name in _FIGURES)
    pairs = _pairs(one["items"], other["items"])
    return Comparison(
        tuple(line for line in figures if line.values != (None, None)),
        tuple(_rates(one["per_emotion"], other["per_emotion"])),
        tuple(_rates(one["per_voice"], other["per_voice"])),
        tuple(pair for pair in pairs if _differs(*pair.items)),
        len(pairs),
    )


def _line(name: str, one: float | None, other: float | None) -> Line:
    if one is None or other is None or one == other:
        return Line(name, (one, other), None)
    higher = int(other > one)
    return Line(name, (one, other), higher if name == "emotion_accuracy" else 1 - higher)


def _rates(one: Iterable[Result], other: Iterable[Result]) -> Iterable[Line]:
    here, there = ({row["name"]: row.get("cer") for row in rows} for rows in (one, other))
    return (_line(name, here.get(name), there.get(name)) for name in dict.fromkeys([*here, *there]))


def _pairs(one: Iterable[Result], other: Iterable[Result]) -> list[Pair]:
    """Sentences with their emotions; the voice tells apart only where both runs have it."""
    there = list(other)
    pairs = []
    for item in one:
        same = [
            found for found in there if (found["sentence"], found["emotion"]) == (item["sentence"], item["emotion"])
        ]
        match = next((found for found in same if found["voice"] == item["voice"]), same[0] if same else None)
        if match is not None:
            there.remove(match)
            pairs.append(Pair((item, match)))
    return pairs


def _differs(one: Result, other: Result) -> bool:
    return (one["heard"], one["heard_emotion"], one["error"]) != (
        other["heard"],
        other["heard_emotion"],
        other["error"],
    )


def marked(said: str, heard: str) -> list[tuple[str, str]]:
    """`heard` as pieces: ("same" | "ins", text heard) and ("del", text that was lost), punctuation never marked."""
    pieces: list[tuple[str, str]] = []
    match = SequenceMatcher(None, said.casefold(), heard.casefold(), autojunk=False)
    for kind, i, j, k, m in match.get_opcodes():
        if kind == "equal" or not (_spoken(said[i:j]) or _spoken(heard[k:m])):
            pieces.append(("same", heard[k:m]))
            continue
        pieces += [(name, text) for name, text in (("del", _spoken(said[i:j])), ("ins", heard[k:m])) if text]
    return [piece for piece in pieces if piece[1]]


def _spoken(text: str) -> str:
    return "".join(sign for sign in text if unicodedata.category(sign)[0] in "LN")
