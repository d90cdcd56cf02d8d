"""Which stretches of audio are recognised together: merging, cutting, and loud stretches without speech.

Positions are samples at 16 kHz, ends exclusive. Nothing here knows a model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tingshuo.types import Samples

_RATE = 16000
#: One analysis window of 25 ms: kaldi-native-fbank ends the process on less.
MIN_SAMPLES = 400
#: Longest stretch in one forward pass: attention grows with the square of it, and the model was trained up to 30 s.
MAX_SAMPLES = 30 * _RATE

#: Level is measured in blocks of 10 ms.
_BLOCK = _RATE // 100
#: Mean square of -50 dBFS: room noise lies below, music and applause meant to be heard above.
_LOUD = 10 ** (-50 / 10)
#: Blocks: the shortest loud stretch worth hearing (1 s), and the longest dip within one (0.5 s).
_LONG, _DIP = 100, 50
#: Blocks over which quietness is judged when cutting (0.1 s): a pause, not a zero crossing.
_PAUSE = 10

Levels: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Samples [start, end)."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def block_levels(samples: Samples) -> Levels:
    """Mean square of each whole block of 10 ms."""
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    # einsum squares without a second copy of the audio, which may be hours long.
    levels: Levels = np.einsum("ij,ij->i", blocks, blocks) / np.float32(_BLOCK)
    return levels


def merge(speech: Sequence[Span], barriers: Sequence[Span], longest: int) -> list[Span]:
    """Join neighbours while the result is no longer than `longest` and no barrier lies between them."""
    merged: list[Span] = []
    starts = [barrier.start for barrier in barriers]
    for span in speech:
        last = merged[-1] if merged else None
        between = last and bisect_left(starts, last.end) != bisect_left(starts, span.start)
        if last and span.end - last.start <= longest and not between:
            merged[-1] = Span(last.start, span.end)
        else:
            merged.append(span)
    return merged


def padded(speech: Sequence[Span], more: int) -> list[Span]:
    """The stretches begun `more` samples earlier (later where it is negative), not before the end of the last one."""
    earliest = 0
    found: list[Span] = []
    for span in speech:
        start = min(max(span.start - more, earliest), span.end - 1)
        earliest = span.end
        found.append(Span(start, span.end))
    return found


def cut(span: Span, levels: Levels, longest: int) -> list[Span]:
    """Parts of `span`, each at most `longest` samples, cut where it is quietest."""
    parts: list[Span] = []
    start = span.start
    while (rest := span.end - start) > longest:
        if rest < 2 * longest:  # near the middle, and so that the second part fits too
            earliest = max(rest // 2 - longest // 5, rest - longest)
            latest = min(rest // 2 + longest // 5, longest)
        else:
            earliest, latest = longest * 3 // 5, longest
        at = _quietest(levels, Span(start + earliest, start + latest))
        parts.append(Span(start, at))
        start = at
    return [*parts, Span(start, span.end)]


def _quietest(levels: Levels, where: Span) -> int:
    """The sample in the middle of the quietest pause within `where`."""
    first, last = where.start // _BLOCK + 1, where.end // _BLOCK
    around = levels[first:last]
    if len(around) < _PAUSE:
        return where.end
    smooth = np.convolve(around, np.ones(_PAUSE, np.float32), mode="valid")
    return (first + int(smooth.argmin()) + _PAUSE // 2) * _BLOCK


def loud_gaps(speech: Sequence[Span], levels: Levels) -> list[Span]:
    """Stretches outside speech that are louder than -50 dBFS for a second or more, short dips included."""
    found: list[Span] = []
    starts = [0, *(-(-span.end // _BLOCK) for span in speech)]
    ends = [*(span.start // _BLOCK for span in speech), len(levels)]
    for start, end in zip(starts, ends, strict=True):
        if end - start < _LONG:
            continue
        loud = _bridged(_runs(levels[start:end] > _LOUD))
        found += [Span((start + a) * _BLOCK, (start + b) * _BLOCK) for a, b in loud if b - a >= _LONG]
    return found


def _bridged(runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] <= _DIP:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def at_least_a_window(span: Span, length: int) -> Span:
    """`span` widened to `MIN_SAMPLES` within audio of `length` samples."""
    start = max(0, min(span.start, length - MIN_SAMPLES))
    return Span(start, min(length, max(span.end, start + MIN_SAMPLES)))
