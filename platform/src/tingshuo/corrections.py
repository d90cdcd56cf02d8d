"""Corrections of a transcript: what a reader set right in the text and the times of its segments.

What was heard (the `result` of a job) never changes. A correction names segments of it by their index and says how
these read; everything else about them, emotion and events among it, stays as it was heard. All times are seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tingshuo.errors import InvalidRequest
from tingshuo.line_breaks import columns

#: Characters in one segment: some ten minutes of speech.
MOST_CHARACTERS = 10_000
#: Seconds by which a segment may end after the sound: times are rounded, and so is the duration.
_SLACK = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """How the segment `id` of what was heard reads."""

    id: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a line is to become; None leaves a value as it was heard."""

    id: int
    start: float | None = None
    end: float | None = None
    text: str | None = None


def lines_heard(result: Mapping[str, Any]) -> tuple[Line, ...]:
    """The lines of a stored result as they were heard."""
    return tuple(
        Line(number, float(segment["start"]), float(segment["end"]), segment["text"])
        for number, segment in enumerate(result["segments"])
    )


def lines_wished(result: Mapping[str, Any], wishes: Sequence[Wish]) -> tuple[Line, ...]:
    """The lines that `wishes` ask for, by their start; segments that no wish names are left out.

    Raises `InvalidRequest` that says which segment is wrong and what would be right.
    """
    heard = lines_heard(result)
    if not wishes:
        raise InvalidRequest("segments is empty; a transcript keeps at least one segment", param="segments")
    seen: set[int] = set()
    for wish in wishes:
        if not 0 <= wish.id < len(heard):
            there = f"they are numbered 0 to {len(heard) - 1}" if heard else "nothing was heard"
            raise InvalidRequest(f"there is no segment {wish.id}; {there}", param="segments")
        if wish.id in seen:
            raise InvalidRequest(f"segment {wish.id} is named twice; name each one once", param="segments")
        seen.add(wish.id)
    latest = float(result["duration"]) + _SLACK
    return in_order(_wished(heard[wish.id], wish, latest) for wish in wishes)


def in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines by their start; those that start together in the order they were heard."""
    return tuple(sorted(lines, key=lambda line: (line.start, line.id)))


def _wished(heard: Line, wish: Wish, latest: float) -> Line:
    line = Line(
        wish.id,
        heard.start if wish.start is None else round(wish.start, 3),
        heard.end if wish.end is None else round(wish.end, 3),
        heard.text if wish.text is None else wish.text,
    )
    # Whatever the recogniser itself gave is right, however it measured.
    if (line.start, line.end) != (heard.start, heard.end) and not 0 <= line.start <= line.end <= latest:
        raise InvalidRequest(
            f"segment {line.id} lies from {line.start} to {line.end} s; it must start at 0 or later, end no earlier"
            f" than it starts and no later than the recording ({latest - _SLACK:.3f} s)",
            param="segments",
        )
    if line.text != heard.text:
        _check_text(line)
    return line


def _check_text(line: Line) -> None:
    if len(line.text) > MOST_CHARACTERS:
        raise InvalidRequest(
            f"segment {line.id} has {len(line.text)} characters; at most {MOST_CHARACTERS}", param="segments"
        )
    for letter in line.text:
        if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cs"):
            raise InvalidRequest(
                f"segment {line.id} holds the control character U+{ord(letter):04X}; only line breaks (U+000A) may be"
                " there",
                param="segments",
            )


def changed(result: Mapping[str, Any], lines: Sequence[Line]) -> int:
    """How many segments are not as they were heard, those that were left out included."""
    given = {line.id: line for line in lines}
    return sum(given.get(heard.id) != heard for heard in lines_heard(result))


def corrected(result: Mapping[str, Any], lines: Sequence[Line]) -> dict[str, Any]:
    """The stored result with its text as `lines` say; what they leave as it was heard stays so to the letter."""
    if not changed(result, lines):
        return dict(result)
    segments = [_corrected(result["segments"][line.id], line) for line in lines]
    return {**result, "text": _joined(segments), "segments": segments}


def _corrected(segment: Mapping[str, Any], line: Line) -> dict[str, Any]:
    """A segment with the values of its line, without what is no longer true of these."""
    told = {**segment, "start": line.start, "end": line.end, "text": line.text}
    if line.text != segment["text"]:
        # The times of words that were not said, and hotwords that may not be there any more.
        told.pop("words", None)
        told.pop("hotwords", None)
    words = told.get("words", ())
    if any(word["start"] < line.start or word["end"] > line.end for word in words) and _moved(segment, line):
        told.pop("words")
    return told


def _moved(segment: Mapping[str, Any], line: Line) -> bool:
    return (line.start, line.end) != (segment["start"], segment["end"])


def _joined(segments: Sequence[Mapping[str, Any]]) -> str:
    """The text of all segments, joined as recognisers do it: a line each in a call, else one after the other."""
    texts = [segment["text"] for segment in segments if segment["text"].strip()]
    if any(segment.get("channel") for segment in segments):
        return "\n".join(texts)
    joined = ""
    for text in texts:
        tight = not joined or joined[-1].isspace() or (_unspaced(joined[-1]) and _unspaced(text[0]))
        joined += text if tight else f" {text}"
    return joined


def _unspaced(letter: str) -> bool:
    """Whether scripts that write no spaces have this character: Han, kana and their marks; Korean has spaces."""
    return columns(letter) == 2 and not "\uac00" <= letter <= "\ud7a3"
