"""Threads that take jobs from the table: SQLite or PostgreSQL, one process or several."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from tingshuo.errors import TingshuoError
from tingshuo.queues.queue import Work

log = logging.getLogger(__name__)

#: Seconds between two looks at the table, for rows that another process wrote or that have become due.
POLL_SECONDS = 0.5


class LocalQueue:
    """Looks at the table when told to, and every half second."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []

    def start(self, works: Sequence[Work]) -> None:
        for work in works:
            for number in range(work.threads):
                name = f"{work.queues[0]}-{number}"
                self._threads.append(threading.Thread(target=self._run, args=(work,), name=name, daemon=True))
                self._threads[-1].start()

    def notify(self) -> None:
        with self._news:
            self._news.notify_all()

    def stop(self) -> None:
        self._stop.set()
        self.notify()

    def join(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Work) -> None:
        while not self._stop.is_set():
            try:
                if work.step(work.queues):
                    continue
            except TingshuoError as error:
                log.warning("cannot take jobs: %s", error.message)
            except Exception:  # a row that cannot be worked on must not end the thread that works on the others
                log.exception("a step of the queue failed; the thread goes on")
            with self._news:
                if not self._stop.is_set():
                    self._news.wait(POLL_SECONDS)
