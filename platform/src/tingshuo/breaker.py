"""A circuit breaker: what keeps crashing is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from math import ceil

from tingshuo.errors import EngineCrashed

#: So many crashes within so many seconds open the breaker.
CRASHES, WITHIN = 3, 60.0
#: Seconds it stays open the first time; twice as long each time the first attempt afterwards crashes too.
PAUSE, LONGEST_PAUSE = 10.0, 300.0


class Breaker:
    """Counts the crashes of one engine. Thread-safe."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._lock = threading.Lock()
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._pause = PAUSE
        self._open_until = 0.0
        self._trying = False

    @property
    def trouble(self) -> str:
        """Why the engine is left alone now; "" where it is not."""
        seconds = self._open_until - self._clock()
        return f"its process crashed again and again; the next attempt is in {ceil(seconds)} s" if seconds > 0 else ""

    def check(self) -> None:
        """Raise `EngineCrashed` while the engine is left alone."""
        trouble = self.trouble
        if trouble:
            retry_after = max(1, ceil(self._open_until - self._clock()))
            raise EngineCrashed(f"{self._name} cannot be used: {trouble}", retry_after=retry_after)

    def crashed(self) -> None:
        """Count a crash."""
        with self._lock:
            now = self._clock()
            self._crashes.append(now)
            often = len(self._crashes) == CRASHES and now - self._crashes[0] <= WITHIN
            if self._trying or often:
                self._open_until = now + self._pause
                self._pause = min(LONGEST_PAUSE, 2 * self._pause)
                self._trying = True
                self._crashes.clear()

    def worked(self) -> None:
        """A call came to its end: the engine is well again."""
        with self._lock:
            self._trying, self._pause = False, PAUSE
