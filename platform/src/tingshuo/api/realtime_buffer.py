"""The sound of a realtime session that belongs to no finished turn yet, addressed by seconds since its beginning."""

from __future__ import annotations

import numpy as np

from tingshuo.types import Audio, Samples


class SoundBuffer:
    """Samples of one rate that begin at `start` seconds; what lies before a given time can be dropped."""

    def __init__(self, sample_rate: int, start: float = 0.0) -> None:
        self.sample_rate = sample_rate
        self._dropped = round(start * sample_rate)
        self._pieces: list[Samples] = []

    @property
    def start(self) -> float:
        """Seconds of the first sample that is still there."""
        return self._dropped / self.sample_rate

    @property
    def end(self) -> float:
        """Seconds of all sound so far."""
        return (self._dropped + sum(map(len, self._pieces))) / self.sample_rate

    def append(self, samples: Samples) -> None:
        """Add sound at the end."""
        self._pieces.append(samples)

    def since(self, seconds: float) -> Audio:
        """The sound from `seconds` on, or from where it is still there."""
        return self.between(seconds, self.end)

    def between(self, start: float, end: float) -> Audio:
        """The sound from `start` to `end`, as far as it is there."""
        whole = self._whole()
        first, last = (max(0, round(time * self.sample_rate) - self._dropped) for time in (start, end))
        return Audio(whole[first:last], self.sample_rate)

    def drop(self, before: float) -> None:
        """Forget the sound before that time."""
        count = min(max(0, round(before * self.sample_rate) - self._dropped), len(self._whole()))
        self._pieces = [self._whole()[count:].copy()]
        self._dropped += count

    def _whole(self) -> Samples:
        if len(self._pieces) != 1:
            joined = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
            self._pieces = [joined.astype(np.float32, copy=False)]
        return self._pieces[0]
