"""How far a call has come, told by whoever works to whoever wants to know.

The listener of a call is a context variable, as its `cancellation` is: it also reaches what runs inside the call in
other threads that are started with the caller's context. An engine that works long calls `report` between two steps,
with the fraction of the sound it has heard; where nobody listens, that does nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeAlias

#: Told the fraction that is done, from 0 to 1. It must not block: the engine waits meanwhile.
Listener: TypeAlias = Callable[[float], None]

_current: ContextVar[Listener | None] = ContextVar("tingshuo_progress", default=None)


@contextlib.contextmanager
def within(listener: Listener | None) -> Iterator[None]:
    """Calls made in the block tell `listener` how far they are."""
    token = _current.set(listener)
    try:
        yield
    finally:
        _current.reset(token)


@contextlib.contextmanager
def part(number: int, parts: int) -> Iterator[None]:
    """What the block reports is one of several equal parts of the whole, the first being number 0."""
    whole = _current.get()
    with within(None if whole is None else lambda fraction: whole((number + fraction) / parts)):
        yield


def report(fraction: float) -> None:
    """Say how much of the call in progress is done."""
    listener = _current.get()
    if listener is not None:
        listener(min(max(fraction, 0.0), 1.0))
