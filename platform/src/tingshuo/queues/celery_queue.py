"""Celery on RabbitMQ: messages tell workers on many machines that rows wait.

A message carries the id of a job and nothing else, and it is a hint: whoever gets it takes the row that is due next in
the queue, so priorities hold whatever order the broker delivers in. A message too many finds nothing; for one that was
lost the outbox sends another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tingshuo.errors import ConfigurationError, TingshuoError
from tingshuo.queues.outbox import Outbox
from tingshuo.queues.queue import Work
from tingshuo.settings import Settings

try:
    from celery import Celery  # type: ignore[import-untyped]
    from celery.app import trace  # type: ignore[import-untyped]
    from celery.worker import WorkController, state  # type: ignore[import-untyped]
    from kombu import Exchange, Queue  # type: ignore[attr-defined]
    from kombu.asynchronous import set_event_loop
except ImportError as error:
    raise ConfigurationError("TINGSHUO_QUEUE=celery needs `pip install tingshuo[celery]`") from error

log = logging.getLogger(__name__)

TASK = "tingshuo.work"
#: Seconds before work is tried again while the database does not answer.
_PAUSE = 1.0


def celery_app(settings: Settings) -> Celery:
    """The Celery application: durable quorum queues, JSON only, late acknowledgement, one message per thread."""
    app = Celery("tingshuo", set_as_current=False)
    prefix = settings.broker_prefix
    exchange = Exchange(prefix, "topic", durable=True)  # type: ignore[no-untyped-call]
    arguments = {"x-queue-type": "quorum"}
    names = [f"{prefix}.{name}" for name in ("cpu", "gpu", "webhook")]
    queues = [
        Queue(name, exchange, name, durable=True, queue_arguments=arguments)  # type: ignore[no-untyped-call]
        for name in names
    ]
    app.conf.update(
        broker_url=settings.broker_url,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"confirm_publish": True},
        task_queues=queues,
        task_default_queue=names[0],
        task_default_exchange=prefix,
        task_default_routing_key=names[0],
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # The row knows its own attempts: Celery is to do nothing about failures.
        task_acks_on_failure_or_timeout=True,
    )
    return app


class CeleryQueue:
    """An outbox that publishes, and a Celery worker where there is work to be done here."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = celery_app(settings)
        self._outbox = Outbox(settings, self.app, TASK)
        self._stopping = threading.Event()
        self._controller: Any = None
        self._thread: threading.Thread | None = None

    def start(self, works: Sequence[Work]) -> None:
        self._outbox.start()
        if not works:
            return
        by_queue = {self._name(queue): work for work in works for queue in work.queues}
        self._register(by_queue)
        threads = sum(work.threads for work in works)
        self._thread = threading.Thread(target=self._consume, args=(list(by_queue), threads), name="celery")
        self._thread.daemon = True
        self._thread.start()

    def notify(self) -> None:
        self._outbox.notify()

    def stop(self) -> None:
        self._stopping.set()
        self._outbox.stop()
        # Celery's own flag for a warm shutdown: no new message, those in hand are finished and acknowledged.
        state.should_stop = 0

    def join(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        self._outbox.join(timeout)
        if self._thread:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return not (self._thread and self._thread.is_alive())

    def _name(self, queue: str) -> str:
        return f"{self.settings.broker_prefix}.{queue}"

    def _register(self, by_queue: Mapping[str, Work]) -> None:
        def work(task: Any, _row: str) -> None:  # noqa: ANN401 - Celery's task
            found = by_queue[task.request.delivery_info["routing_key"]]
            # With no database there is nothing to do, and the message is worth keeping until there is one.
            while not self._stopping.is_set():
                try:
                    found.step(found.queues)
                    return
                except TingshuoError as error:
                    log.warning("cannot take work: %s", error.message)
                    self._stopping.wait(_PAUSE)

        self.app.task(work, name=TASK, bind=True, shared=False)

    def _declare(self) -> None:
        """Make the queues that are not there: Celery binds all of them, those too that nobody here serves."""
        with self.app.connection_for_write() as connection, connection.channel() as channel:
            for queue in self.app.amqp.queues.values():
                queue(channel).declare()

    def _consume(self, queues: Sequence[str], threads: int) -> None:
        state.should_stop = None
        # As Celery's own command does: tasks are looked up in this application, in every thread.
        trace.setup_worker_optimizations(self.app, "tingshuo")
        while not self._stopping.is_set():
            try:
                self._declare()
                # Left by a consumer before, it would be closed.
                set_event_loop(None)
                self._controller = WorkController(
                    app=self.app,
                    queues=list(queues),
                    concurrency=threads,
                    pool_cls="threads",
                    without_mingle=True,
                    without_gossip=True,
                )
                self._controller.start()
            except Exception:
                log.exception("the broker's consumer failed; it starts again")
            self._stopping.wait(_PAUSE)
