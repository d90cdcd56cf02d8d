"""The contract of the two queues: how a process hears that work waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from tingshuo.settings import Settings

#: Does the next piece of work of some queues; False where none waits.
Step: TypeAlias = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Work:
    """`step` is to be called in `threads` threads whenever something may wait in `queues`."""

    step: Step
    queues: Sequence[str]
    threads: int


class Queue(Protocol):
    """The way from a row that waits to a thread that does the work. Losing it loses nothing: the rows are the truth."""

    def start(self, works: Sequence[Work]) -> None:
        """Begin to call the steps; returns at once, whatever the state of a broker."""

    def notify(self) -> None:
        """New rows wait. Returns at once."""

    def stop(self) -> None:
        """Take nothing new; returns at once."""

    def join(self, timeout: float) -> bool:
        """Whether all work in hand ended within `timeout` seconds after `stop`."""


def queue_of(settings: Settings) -> Queue:
    """The queue that TINGSHUO_QUEUE names. Raises `ConfigurationError` where what it needs is not installed."""
    if settings.queue == "celery":
        from tingshuo.queues.celery_queue import CeleryQueue

        return CeleryQueue(settings)
    from tingshuo.queues.local import LocalQueue

    return LocalQueue()
