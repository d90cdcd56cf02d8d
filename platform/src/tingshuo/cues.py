"""Segments -> cues of a subtitle file: parts of a segment that are short enough to read, at measured times.

A segment is divided only between words whose times were measured. Where the recogniser gave times for the segment
alone, it stays one cue, however long: dividing its time by the number of characters would be an invention.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Literal, TypeAlias

from tingshuo.errors import InvalidRequest
from tingshuo.line_breaks import CLAUSE_ENDS, SENTENCE_ENDS, Atom, added_width, atoms, columns, joined, wrap
from tingshuo.types import UNKNOWN, Segment, Transcript

Prefix: TypeAlias = Literal["none", "speaker", "emotion", "both"]

#: Cost of ending a cue after a sentence, after a part of one, and elsewhere; and of every cue.
_AFTER_SENTENCE, _AFTER_CLAUSE, _ELSEWHERE, _ONE_MORE = 0.0, 2.0, 8.0, 4.0


@dataclass(frozen=True, slots=True)
class Layout:
    """How subtitles are laid out.

    max_line_length: columns of a line (a Han character takes two); None: lines are not broken.
    max_lines: lines of a cue, where `max_line_length` is set. max_cue_seconds: None for no limit.
    prefix: what a segment's first cue begins with: `[left]`, `[angry]`, `[left, angry]` or nothing.
    """

    max_line_length: int | None = None
    max_lines: int = 2
    max_cue_seconds: float | None = None
    prefix: Prefix = "speaker"

    @property
    def divides(self) -> bool:
        """Whether long segments are to be divided, for which the times of words are needed."""
        return self.max_line_length is not None or self.max_cue_seconds is not None


@dataclass(frozen=True, slots=True)
class Cue:
    """Seconds, text without markup in one piece and in lines, and what stands before it."""

    start: float
    end: float
    text: str
    lines: tuple[str, ...]
    prefix: str = ""
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """An atom, when the first word in it begins and when the last one ends; None where that is not known."""

    atom: Atom
    start: float | None
    end: float | None


def cues(transcript: Transcript, layout: Layout) -> list[Cue]:
    """The cues in order. Raises `InvalidRequest` where a segment has no measured times."""
    return [
        cue for segment in transcript.segments if segment.text.strip() for cue in _cues_of(_measured(segment), layout)
    ]


def _measured(segment: Segment) -> Segment:
    # All or nothing: subtitles that silently lack a sentence are worse than none.
    if segment.timing is None:
        raise InvalidRequest(
            "the recogniser measured no times for this audio, so there are no subtitles; ask for json or text",
            param="response_format",
        )
    return segment


def _cues_of(segment: Segment, layout: Layout) -> Iterator[Cue]:
    prefix = _prefix(segment, layout.prefix)
    parts = _timed(segment)
    begins = _divided(parts, segment, layout, columns(prefix)) if layout.divides else [0]
    for begin, end in zip(begins, [*begins[1:], len(parts)], strict=True):
        first, last = begin == 0, end == len(parts)
        # Only the segment's own edges need no word: a cue is divided where both neighbours have times.
        start = segment.start if first else _known(parts[begin].start)
        stop = segment.end if last else _known(parts[end - 1].end)
        lead = prefix if first else ""
        spoken = [part.atom for part in parts[begin:end]]
        lines = _lines(spoken, layout, columns(lead))
        yield Cue(start, max(start, stop), joined(spoken), tuple(lines), lead, segment.channel or "")


def _known(time: float | None) -> float:
    assert time is not None
    return time


def _prefix(segment: Segment, wanted: Prefix) -> str:
    tags: list[str] = [segment.channel] if segment.channel and wanted in ("speaker", "both") else []
    if wanted in ("emotion", "both") and (segment.emotion or segment.emotion_scores):
        tags = [*tags, segment.emotion or UNKNOWN]
    return f"[{', '.join(tags)}] " if tags else ""


def _lines(parts: Sequence[Atom], layout: Layout, first_column: int) -> list[str]:
    if layout.max_line_length is None:
        return [joined(parts)]
    return wrap(parts, layout.max_line_length, first_column)


def _timed(segment: Segment) -> list[_Part]:
    """The atoms of a segment's text, each with the times of the words that it holds letters of."""
    parts = [_Part(atom, None, None) for atom in atoms(segment.text)]
    at, index = 0, 0
    for word in segment.words:
        begin = segment.text.find(word.text, at)
        if begin < 0 or any(map(str.isalnum, segment.text[at:begin])):  # they tell different things from here on
            break
        at = begin + len(word.text)
        while parts[index].atom.end <= begin:
            index += 1
        first = last = index
        while last + 1 < len(parts) and parts[last + 1].atom.start < at:
            last += 1
        # A word that begins in one atom and ends in another leaves no time between them.
        if parts[first].start is None and parts[first].end is None:
            parts[first] = replace(parts[first], start=word.start)
        parts[first] = replace(parts[first], end=None)
        parts[last] = replace(parts[last], end=word.end)
    return parts


# ---- dividing


def _divided(parts: Sequence[_Part], segment: Segment, layout: Layout, first_column: int) -> list[int]:
    """Where the cues of a segment begin, so that each fits and as many as possible end with a sentence."""
    count = len(parts)
    cost, before = [0.0, *[inf] * count], [0] * (count + 1)
    for begin in range(count):
        if cost[begin] == inf:
            continue
        for end in _ends(parts, begin, segment, layout, first_column if begin == 0 else 0):
            # The last term keeps cues of like length: a single character is no cue if two of three will do.
            total = cost[begin] + _ONE_MORE + 1 / (end - begin)
            total += 0.0 if end == count else _cost_after(parts[end - 1].atom)
            if total < cost[end]:
                cost[end], before[end] = total, begin
    begins: list[int] = []
    at = count
    while at > 0:
        at = before[at]
        begins.append(at)
    return begins[::-1]


def _ends(parts: Sequence[_Part], begin: int, segment: Segment, layout: Layout, first_column: int) -> Iterator[int]:
    """Every end of a cue that begins at `begin` and fits; where none fits, the first one that can be."""
    most_lines, most_columns = layout.max_lines, layout.max_line_length or inf
    start = segment.start if begin == 0 else _known(parts[begin].start)
    lines, width, any_fits = 1, first_column, False
    for end in range(begin + 1, len(parts) + 1):
        atom = parts[end - 1].atom
        after = added_width(width, atom)
        if end > begin + 1 and after > most_columns:
            lines, after = lines + 1, atom.width
        width = after
        if not _may_divide(parts, end):
            continue
        stop = segment.end if end == len(parts) else _known(parts[end - 1].end)
        fits = lines <= most_lines and stop - start <= (layout.max_cue_seconds or inf)
        if not fits and any_fits:
            return
        yield end
        if not fits:
            return
        any_fits = True


def _may_divide(parts: Sequence[_Part], at: int) -> bool:
    return at == len(parts) or (parts[at - 1].end is not None and parts[at].start is not None)


def _cost_after(atom: Atom) -> float:
    mark = atom.text.rstrip("\"'”’」』）)")[-1:]
    if mark in SENTENCE_ENDS:
        return _AFTER_SENTENCE
    return _AFTER_CLAUSE if mark in CLAUSE_ENDS else _ELSEWHERE
