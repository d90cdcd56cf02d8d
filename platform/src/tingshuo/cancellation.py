"""How long a call is wanted: until a deadline, or until whoever asked has gone away.

The `Cancellation` of a call is a context variable, so it also reaches what runs inside the call, in other threads
too where these are started with the caller's context. An engine that works long asks `check()` between two steps.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from tingshuo.errors import DeadlineExceeded, RequestCancelled


class Cancellation:
    """The end of somebody's patience. `seconds` is counted from now; None: until `cancel` is called. Thread-safe."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._lock = threading.Lock()
        self._cancelled = False
        self._watchers: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the call is wanted no more, for either reason."""
        return self._cancelled or self.remaining == 0

    def cancel(self) -> None:
        """Nobody waits for the call any more. Never blocks; the second time does nothing."""
        with self._lock:
            watchers, self._watchers, self._cancelled = self._watchers, [], True
        for watcher in watchers:
            watcher()

    def check(self, what: str = "it was still being worked on", *, retry_after: int | None = None) -> None:
        """Raise `RequestCancelled` or `DeadlineExceeded` once nobody waits any more; `what` says how far it got."""
        if self._cancelled:
            raise RequestCancelled(f"the request was cancelled; {what}")
        if self.remaining == 0:
            raise DeadlineExceeded(
                f"the request was not done within {self.seconds:g} s; {what}",
                retry_after=retry_after,
            )

    @contextlib.contextmanager
    def watched(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Call `watcher`, which must not block, when `cancel` is called within the block or was before it."""
        with self._lock:
            late = self._cancelled
            self._watchers.append(watcher)
        if late:
            watcher()
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._watchers.remove(watcher)


_current: ContextVar[Cancellation | None] = ContextVar("tingshuo_cancellation", default=None)


def current() -> Cancellation | None:
    """That of the call in progress; None where nothing ends it."""
    return _current.get()


@contextlib.contextmanager
def within(cancellation: Cancellation | None) -> Iterator[None]:
    """Calls made in the block are wanted as long as `cancellation` says."""
    token = _current.set(cancellation)
    try:
        yield
    finally:
        _current.reset(token)


def check() -> None:
    """Raise `RequestCancelled` or `DeadlineExceeded` once the call in progress is wanted no more."""
    cancellation = _current.get()
    if cancellation:
        cancellation.check()
