"""The last minute of a process: asked to end, it is not ready any more, but what it has begun it finishes."""

from __future__ import annotations

import threading
import time


class Drain:
    """Whether this process was asked to end. Set by the server's signal handler, read by /readyz."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._since = 0.0

    @property
    def begun(self) -> bool:
        """Whether the end was asked for."""
        return self._begun.is_set()

    def begin(self) -> None:
        """Be not ready from now on. May be called by a signal handler."""
        if not self.begun:
            self._since = time.monotonic()
        self._begun.set()

    def left(self, seconds: float) -> float:
        """What is left of `seconds` since the end was asked for; all of them where it was not."""
        return max(0.0, seconds - (time.monotonic() - self._since)) if self.begun else seconds

    def reset(self) -> None:
        """Be as before: for a server that starts again in the same process."""
        self._begun.clear()


#: That of this process.
DRAIN = Drain()
