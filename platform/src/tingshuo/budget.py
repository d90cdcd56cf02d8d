"""Bytes that all uploads in hand may take together: each has its own limit, but many at once would fill the memory."""

from __future__ import annotations

import functools
import threading
import weakref
from types import TracebackType
from typing import Self

from tingshuo.errors import LimitExceeded, ServerBusy
from tingshuo.types import Samples

#: Bytes claimed at a time, so that not every decoded frame asks.
BLOCK = 2**20
#: Seconds after which one who was refused may try again.
RETRY_AFTER = 5


class Budget:
    """A number of bytes to share. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit, self.taken = limit, 0
        # Memory is given back by the garbage collector, which may run in the middle of a claim.
        self._lock = threading.RLock()

    def take(self, size: int) -> None:
        """Take bytes; raises `ServerBusy` where others have them."""
        with self._lock:
            if self.taken + size > self.limit:
                raise ServerBusy(
                    f"the audio that is being worked on takes {self.taken} of {self.limit} bytes; try again soon",
                    retry_after=RETRY_AFTER,
                )
            self.taken += size

    def give_back(self, size: int) -> None:
        """Give bytes back."""
        with self._lock:
            self.taken -= size


class Claim:
    """The share of one upload: grows while it is decoded, then lasts as long as its samples."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._used, self._held = budget, 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.give_back(self._held)
        self._held = 0

    def grow(self, size: int) -> None:
        """Take `size` bytes more; raises `ServerBusy`, or `LimitExceeded` where waiting would not help."""
        self._used += size
        most = self._budget.limit // 2  # for the moment in which the pieces are joined, the sound is there twice
        if self._used > most:
            raise LimitExceeded(f"the decoded audio exceeds {most} bytes", param="file")
        while self._held < self._used:
            self._budget.take(BLOCK)
            self._held += BLOCK

    def joined(self, samples: Samples) -> None:
        """Take the bytes of `samples` until nobody has them any more; what was decoded piece by piece can go."""
        self._budget.give_back(self._held - self._used)
        self._held = self._used
        self._budget.take(samples.nbytes)
        weakref.finalize(samples, self._budget.give_back, samples.nbytes).atexit = False


@functools.cache
def shared(limit: int) -> Budget:
    """The budget of this process for that limit."""
    return Budget(limit)
