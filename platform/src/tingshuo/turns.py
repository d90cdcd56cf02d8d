"""Turns of speech in sound that comes in pieces: when somebody begins to speak and when they have stopped.

Where speech is, is told by the engine's own voice activity detection (`Recognizer.find_speech`), or by the level of the
sound for engines that have none (`LevelDetector`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from tingshuo.types import Audio, VoiceActivity

#: (start, end) in seconds.
Span: TypeAlias = tuple[float, float]

#: Seconds of sound that are looked at for speech; less than the shortest stretch of speech that begins a turn, a click.
WINDOW, SHORTEST = 2.0, 0.1
#: Seconds before the end of the sound at which a stretch of speech still counts as going on.
_OPEN = 0.08
#: Seconds of silence that end a turn where nobody says otherwise: OpenAI's default.
DEFAULT_SILENCE = 0.5

#: Seconds of a frame whose level is measured; dB above the noise floor, and dBFS, from which it counts as speech.
_FRAME, _ABOVE_FLOOR, _AUDIBLE = 0.02, 12.0, -50.0
#: dBFS of the floor at first and at least; dB by which it may rise from one look to the next.
_FIRST_FLOOR, _LEAST_FLOOR, _RISE = -60.0, -70.0, 0.2
#: dB that the threshold moves between 0 and 1 around its middle.
_THRESHOLD_RANGE = 20.0


@dataclass(frozen=True, slots=True)
class Boundary:
    """The beginning or the end of a turn, in seconds since the first sound."""

    kind: Literal["started", "stopped"]
    at: float


class Turns:
    """The state of one conversation: whether somebody speaks, and since when. All times in seconds since its start."""

    def __init__(self) -> None:
        self.started: float | None = None
        self._ended = 0.0

    def window(self, now: float, silence: float) -> float:
        """From when on the sound is to be looked at."""
        return max(self._ended, now - max(WINDOW, silence + WINDOW / 2))

    def heard(self, speech: Sequence[Span], now: float) -> Boundary | None:
        """What follows from the stretches of speech in the window, the sound of which ends `now`."""
        if self.started is None:
            for start, end in speech:
                if end - start >= SHORTEST and end > self._ended:
                    self.started = max(start, self._ended)
                    return Boundary("started", self.started)
            return None
        last = max((end for _, end in speech), default=self.started)
        return None if last >= now - _OPEN else self.stop(max(last, self.started))

    def stop(self, at: float) -> Boundary:
        """End the turn, for whatever reason."""
        self.started, self._ended = None, at
        return Boundary("stopped", at)


class LevelDetector:
    """Finds speech by its level above a noise floor that follows the quietest parts of what was heard so far."""

    def __init__(self) -> None:
        self._floor = _FIRST_FLOOR

    def find_speech(self, audio: Audio, activity: VoiceActivity) -> list[Span]:
        """Stretches that are louder than the floor; one still going on at the end of the audio ends there."""
        levels = _levels(audio)
        if not len(levels):
            return []
        quiet = max(float(np.percentile(levels, 10)), _LEAST_FLOOR)
        self._floor = min(quiet, self._floor + _RISE)
        threshold = 0.5 if activity.threshold is None else activity.threshold
        needed = max(self._floor + _ABOVE_FLOOR, _AUDIBLE) + _THRESHOLD_RANGE * (threshold - 0.5)
        silence = DEFAULT_SILENCE if activity.silence is None else activity.silence
        return _bridged(levels > needed, silence, audio.duration)


def _levels(audio: Audio) -> npt.NDArray[np.float64]:
    """The level of each whole frame in dBFS."""
    size = max(1, round(_FRAME * audio.sample_rate))
    frames = audio.samples[: len(audio.samples) // size * size].reshape(-1, size).astype(np.float64)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    return levels


def _bridged(loud: npt.NDArray[np.bool_], silence: float, duration: float) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False]))))
    runs = [(float(start) * _FRAME, float(end) * _FRAME) for start, end in edges.reshape(-1, 2)]
    if runs and duration - runs[-1][1] < silence:  # it may yet go on
        runs[-1] = (runs[-1][0], duration)
    spans = runs[:1]
    for before, after in pairwise(runs):
        if after[0] - before[1] < silence:
            spans[-1] = (spans[-1][0], after[1])
        else:
            spans.append(after)
    return spans
