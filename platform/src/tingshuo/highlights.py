"""The moments of a recording worth finding again, applause and laughter unless others are wanted: JSON, CSV, EDL.

An event has the times the model gave it, else those of its segment; where nothing was measured it has none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from tingshuo.documents import csv_cell
from tingshuo.errors import InvalidRequest
from tingshuo.types import AudioEvent, EventLabel, Segment, Transcript

#: What counts as a highlight where nobody says otherwise.
HIGHLIGHTS = (EventLabel.APPLAUSE, EventLabel.LAUGHTER)
#: Frames a second of an edit list: PAL's, which has no dropped frames.
_FRAMES = 25


@dataclass(frozen=True, slots=True)
class Highlight:
    """An event with its times in seconds and what was said meanwhile."""

    event: str
    start: float | None
    end: float | None
    score: float
    text: str
    channel: str | None


def wanted(names: str | None) -> tuple[EventLabel, ...]:
    """The events of a list with commas. Raises `InvalidRequest` for one there is not."""
    if names is None:
        return HIGHLIGHTS
    given = [name for name in (part.strip().lower() for part in names.split(",")) if name]
    for name in given:
        if name not in set(EventLabel):
            raise InvalidRequest(f"no event {name[:40]!r}; there are: {', '.join(EventLabel)}", param="events")
    if not given:
        raise InvalidRequest(f"events names none; there are: {', '.join(EventLabel)}", param="events")
    return tuple(map(EventLabel, given))


def highlights(transcript: Transcript, events: Collection[EventLabel] = HIGHLIGHTS) -> list[Highlight]:
    """The events in order of time, those without one last."""
    found = [
        _highlight(segment, event) for segment in transcript.segments for event in segment.events
        if event.label in events
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.start is None, one.start or 0.0))


def _highlight(segment: Segment, event: AudioEvent) -> Highlight:
    start, end = (segment.start, segment.end) if segment.timing else (None, None)
    if event.start is not None and event.end is not None:
        start, end = event.start, event.end
    return Highlight(str(event.label), start, end, event.score, segment.text, segment.channel)


def highlights_document(found: Sequence[Highlight]) -> dict[str, Any]:
    """The highlights as JSON-ready values."""
    return {"object": "list", "data": [asdict(one) for one in found]}


def highlights_csv(found: Sequence[Highlight]) -> str:
    """One row a highlight, made for spreadsheets as `documents.to_csv` is."""
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.writer(table)
    writer.writerow(field.name for field in fields(Highlight))
    for one in found:
        writer.writerow("" if value is None else csv_cell(value) for value in astuple(one))
    return table.getvalue()


def highlights_edl(found: Sequence[Highlight]) -> str:
    """An edit decision list (CMX 3600, 25 frames a second): one cut a highlight, one after the other.

    Raises `InvalidRequest` where the recogniser measured no times.
    """
    cuts, at = [], 0
    for number, one in enumerate(found, 1):
        if one.start is None or one.end is None:
            raise InvalidRequest(
                "the recogniser measured no times for this audio, so there is nothing to cut; ask for json or csv",
                param="format",
            )
        begin = round(one.start * _FRAMES)
        # An editor refuses a cut without a frame.
        end = max(round(one.end * _FRAMES), begin + 1)
        times = " ".join(map(_timecode, (begin, end, at, at + end - begin)))
        cuts.append(f"{number:03d}  AX       AA/V  C        {times}\n* {one.event.upper()}\n")
        at += end - begin
    return f"TITLE: HIGHLIGHTS\nFCM: NON-DROP FRAME\n\n{''.join(cuts)}"


def _timecode(frames: int) -> str:
    """hours:minutes:seconds:frames."""
    seconds, rest = divmod(frames, _FRAMES)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}"
