"""Emotions of a transcript over time: what the chart shows, the share of each, and where the mood turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tingshuo_webui.words import EMOTIONS

Segment: TypeAlias = Mapping[str, Any]

#: Units of the chart's drawing area.
WIDTH, HEIGHT = 1000.0, 100.0
#: Stacks in a lane. More could not be told apart on a screen; segments beyond that are drawn together.
MOST_STACKS = 240


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of a lane: left edge, width, top and height in units of the drawing, and what it tells."""

    x: float
    y: float
    width: float
    height: float
    emotion: str
    start: float
    score: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One side of the call (or both together, where channels were not split) over `duration` seconds.

    together: whether a stack stands for several segments.
    """

    channel: str | None
    duration: float
    bars: tuple[Bar, ...]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of mood at `time` seconds."""

    time: float
    before: str
    after: str
    text: str
    channel: str | None


def label_of(segment: Segment) -> str | None:
    """The emotion heard, `unknown` where none could be told, None where the engine does not listen for any."""
    emotion = segment.get("emotion")
    return str(emotion["label"]) if emotion else None


def channels_of(segments: Iterable[Segment]) -> list[str | None]:
    """The sides that speak, left before right."""
    return sorted({segment.get("channel") for segment in segments}, key=lambda side: side or "")


def chart_of(segments: Sequence[Segment], duration: float) -> list[Lane]:
    """A lane for each side: every segment a stack of its emotions' scores, as wide as it is long."""
    timed = [segment for segment in segments if segment.get("timing") and segment.get("emotion")]
    length = max(duration, *(float(segment["end"]) for segment in timed), 0.001) if timed else 0.0
    return [_lane(side, [one for one in timed if one.get("channel") == side], length) for side in channels_of(timed)]


def _lane(side: str | None, segments: Sequence[Segment], length: float) -> Lane:
    together = len(segments) > MOST_STACKS
    groups: dict[int, list[Segment]] = {}
    for index, segment in enumerate(segments):
        place = int(MOST_STACKS * float(segment["start"]) / length) if together else index
        groups.setdefault(place, []).append(segment)
    return Lane(side, length, tuple(bar for group in groups.values() for bar in _stack(group, length)), together)


def _stack(segments: Sequence[Segment], length: float) -> Iterable[Bar]:
    """The mean of the segments' scores, each weighted with its seconds, from where they start to where they end."""
    start, end = float(segments[0]["start"]), max(float(segment["end"]) for segment in segments)
    scores: dict[str, float] = {}
    for segment in segments:
        seconds = max(float(segment["end"]) - float(segment["start"]), 0.001)
        for emotion, score in _scores(segment).items():
            scores[emotion] = scores.get(emotion, 0.0) + seconds * score
    total, top = sum(scores.values()) or 1.0, HEIGHT
    x, width = WIDTH * start / length, max(WIDTH * (end - start) / length, 1.0)
    for emotion in EMOTIONS:
        share = scores.get(emotion, 0.0) / total
        if share < 0.01:
            continue
        top -= share * HEIGHT
        yield Bar(round(x, 2), round(top, 2), round(width, 2), round(share * HEIGHT, 2), emotion, start, share)


def _scores(segment: Segment) -> Mapping[str, float]:
    """What each emotion scored, with a sum of 1."""
    emotion = segment["emotion"]
    scores: Mapping[str, float] = emotion.get("scores") or {str(emotion["label"]): 1.0}
    total = sum(scores.values()) or 1.0
    return {name: score / total for name, score in scores.items()}


def shares_of(segments: Iterable[Segment]) -> list[tuple[str, float, float]]:
    """Emotion, seconds of speech with it, share of all of it; the longest first."""
    seconds: dict[str, float] = {}
    for segment in segments:
        label = label_of(segment)
        if label and segment.get("timing"):
            seconds[label] = seconds.get(label, 0.0) + float(segment["end"]) - float(segment["start"])
    total = sum(seconds.values())
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    return [(label, length, length / total) for label, length in ranked] if total else []


def turning_points(segments: Iterable[Segment]) -> list[Turn]:
    """Where somebody's mood becomes another one; segments whose emotion could not be told are passed over."""
    turns: list[Turn] = []
    before: dict[str | None, str] = {}
    for segment in segments:
        label, side = label_of(segment), segment.get("channel")
        if label in (None, "unknown"):
            continue
        if side in before and before[side] != label:
            turns.append(Turn(float(segment["start"]), before[side], str(label), str(segment["text"]), side))
        before[side] = str(label)
    return turns
