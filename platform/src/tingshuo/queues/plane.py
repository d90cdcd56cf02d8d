"""The job plane of one process: its queue, its worker, its maintenance."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tingshuo import blobs
from tingshuo.engines import Engines
from tingshuo.leases import Leases
from tingshuo.queues import rows
from tingshuo.queues.maintenance import Maintenance
from tingshuo.queues.queue import Work, queue_of
from tingshuo.queues.worker import Worker
from tingshuo.settings import Settings
from tingshuo.webhooks import Deliveries

log = logging.getLogger(__name__)

QUEUES: tuple[rows.QueueName, ...] = (*rows.JOB_QUEUES, "webhook", "maintenance")
#: Seconds that a job gets to heed that it is to stop, after it was given time to end by itself.
_RETURN_SECONDS = 10.0


class JobPlane:
    """What a process does about queued jobs. `start` once, `close` at the end."""

    def __init__(self, settings: Settings, engines: Engines, leases: Leases) -> None:
        self.settings = settings
        self.queue = queue_of(settings)
        self.worker = Worker(settings, engines, leases)
        self.deliveries = Deliveries(settings)
        self.maintenance = Maintenance(settings)

    def start(self, queues: Sequence[str] = QUEUES, threads: int = 1) -> None:
        """Work on `queues`, on at most `threads` jobs at once. Raises `ConfigurationError`."""
        blobs.store(self.settings)  # one that cannot be used stops the start
        jobs = [name for name in rows.JOB_QUEUES if name in queues]
        works = [Work(self.worker.step, jobs, threads)] if jobs and threads else []
        if "webhook" in queues and self.settings.webhook_hosts:
            # A thread of its own: a receiver that answers slowly must not keep jobs waiting.
            works.append(Work(self.deliveries.step, ["webhook"], 1))
        self.queue.start(works)
        if "maintenance" in queues:
            self.maintenance.start()

    def notify(self) -> None:
        """New rows wait."""
        self.queue.notify()

    def close(self, patience: float) -> bool:
        """Take nothing new; give the jobs in hand `patience` seconds to end, then let them wait again.

        False where one of them still runs: its lease will run out.
        """
        self.queue.stop()
        self.maintenance.close()
        if self.queue.join(patience):
            return True
        self.worker.hand_back()
        done = self.queue.join(_RETURN_SECONDS)
        if not done:
            log.error("a job does not heed that it is to stop; its lease will run out")
        return done
