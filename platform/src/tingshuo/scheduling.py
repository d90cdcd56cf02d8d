"""Who may call an engine when: a bounded queue, and short requests that long ones do not hold up.

An engine has so many lanes: calls that run at once. Where threads may share the engine there is one more, the express
lane: while long calls hold all others, short ones go through it one by one. It costs the long ones a little speed and
keeps everyone else from waiting an hour behind an hour of audio. Among those waiting the short ones go first, but a
long one is passed at most `PATIENCE` times in a row.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from tingshuo.cancellation import Cancellation
from tingshuo.errors import EngineBusy

#: Short calls that may go before a long one that waits.
PATIENCE = 4
#: Seconds a refused request is told to wait: before anything was measured, at least, at most.
FIRST_GUESS, LEAST, MOST = 5, 1, 300
#: Weight of the newest call in the mean service time.
NEWEST = 0.2


@dataclass(slots=True, eq=False)
class Place:
    """A call in the queue, or in a lane once `admitted` is set."""

    long: bool
    admitted: threading.Event = field(default_factory=threading.Event)
    since: float = 0.0


class Gate:
    """Lets calls into the `lanes` of one engine, and `room` of them at most inside, waiting ones included."""

    def __init__(
        self, name: str, *, lanes: int, express: bool, room: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.lanes, self.express, self.room = name, lanes, express, room
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[Place] = set()
        self._short: deque[Place] = deque()
        self._long: deque[Place] = deque()
        self._passed = 0
        self._seconds: float | None = None

    @property
    def running(self) -> int:
        """Calls in the lanes."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._short) + len(self._long)

    def enter(self, *, long: bool, cancellation: Cancellation | None) -> Place:
        """A lane, which `leave` gives back; waits for one.

        Raises `EngineBusy` where the queue is full, `RequestCancelled` and `DeadlineExceeded` while it waits.
        """
        place = Place(long)
        with self._lock:
            if self.running + self.waiting >= self.room:
                raise EngineBusy(
                    f"{self.name} has {self.running} requests in work and {self.waiting} waiting; try again soon",
                    retry_after=self._retry_after(),
                )
            self._queue(place).append(place)
            self._admit()
        try:
            self._wait(place, cancellation)
        except BaseException:  # Ctrl-C leaves the queue too
            self.leave(place)
            raise
        return place

    def leave(self, place: Place) -> None:
        """Give up a lane, or a place in the queue."""
        with self._lock:
            if place in self._running:
                self._running.remove(place)
                self._measured(self._clock() - place.since)
            else:
                self._queue(place).remove(place)
            self._admit()

    def _wait(self, place: Place, cancellation: Cancellation | None) -> None:
        if cancellation is None:
            place.admitted.wait()
            return
        with cancellation.watched(place.admitted.set):
            place.admitted.wait(cancellation.remaining)
        if cancellation.over:
            with self._lock:
                retry_after = self._retry_after()
            cancellation.check(f"it was still waiting for {self.name}", retry_after=retry_after)

    def _queue(self, place: Place) -> deque[Place]:
        return self._long if place.long else self._short

    def _admit(self) -> None:
        while (place := self._next()) is not None:
            self._passed = 0 if place.long or not self._long else self._passed + 1
            place.since = self._clock()
            self._running.add(place)
            place.admitted.set()

    def _next(self) -> Place | None:
        free = len(self._running) < self.lanes
        if free and self._long and (not self._short or self._passed >= PATIENCE):
            return self._long.popleft()
        if self._short and (free or (self.express and all(place.long for place in self._running))):
            return self._short.popleft()
        return None

    def _measured(self, seconds: float) -> None:
        self._seconds = seconds if self._seconds is None else self._seconds + NEWEST * (seconds - self._seconds)

    def _retry_after(self) -> int:
        """Seconds until those inside are through, by the mean service time."""
        if self._seconds is None:
            return FIRST_GUESS
        return min(MOST, max(LEAST, ceil(self._seconds * (self.running + self.waiting) / self.lanes)))
