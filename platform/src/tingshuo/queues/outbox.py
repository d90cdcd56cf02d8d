"""From committed rows to messages: a row is written first, and a message about it is sent until the broker has it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from tingshuo import db
from tingshuo.db import Delivery, Job
from tingshuo.errors import TingshuoError
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks for rows without a message, and between two looks for lost messages.
_PERIOD, _LOST_PERIOD = 1.0, 5.0
#: A row that waits although its queue at the broker is empty has lost its message after so many seconds.
_LOST_AFTER = timedelta(seconds=10)
_AT_ONCE = 500


class Outbox:
    """A thread that publishes. Several processes may do so at once: a message too many does no harm."""

    def __init__(self, settings: Settings, app: Any, task: str) -> None:  # noqa: ANN401 - Celery has no types
        self.settings = settings
        self._app = app
        self._task = task
        self._stop = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def notify(self) -> None:
        """New rows wait."""
        self._news.set()

    def stop(self) -> None:
        """Publish nothing more."""
        self._stop.set()
        self._news.set()

    def join(self, timeout: float) -> None:
        """Wait for the end after `stop`."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        ticks = 0
        while not self._stop.is_set():
            try:
                while self._publish(Job) or self._publish(Delivery):
                    pass
                ticks += 1
                if ticks * _PERIOD >= _LOST_PERIOD:
                    ticks = 0
                    self._republish_lost()
            except TingshuoError as error:
                log.warning("cannot publish: %s", error.message)
            except Exception as error:  # noqa: BLE001 - the broker's client raises errors of many families
                log.warning("the broker does not answer: %s", type(error).__name__)
            self._news.wait(_PERIOD)
            self._news.clear()

    def _publish(self, table: type[Job] | type[Delivery]) -> bool:
        """Send messages about the rows that wait for one; whether there may be more of them."""
        with db.session(self.settings, writes=True) as session:
            waits = table.status == ("queued" if table is Job else "pending")
            due = select(table).where(waits, table.published_at.is_(None), table.run_at <= db.now(session))
            found: Sequence[Any] = session.scalars(
                due.order_by(table.run_at, table.id).limit(_AT_ONCE).with_for_update(skip_locked=True)
            ).all()
            # First, for only such a row is given to who gets the message. Is it never sent, it counts as lost.
            for row in found:
                row.published_at = db.now(session)
        unsent = [_message(row) for row in found]
        try:
            self._send(unsent)
        finally:
            if unsent:
                self._forget(table, (table.id.in_([row_id for row_id, _ in unsent]),))
        return len(found) == _AT_ONCE

    def _send(self, unsent: list[tuple[str, str]]) -> None:
        """Send messages; those that the broker has confirmed are taken out of the list."""
        if not unsent:
            return
        with self._app.connection_for_write(connect_timeout=5) as connection:
            producer = self._app.amqp.Producer(connection, auto_declare=False)
            while unsent and not self._stop.is_set():
                row_id, queue = unsent[0]
                name = f"{self.settings.broker_prefix}.{queue}"
                self._app.send_task(self._task, args=[row_id], queue=name, producer=producer, retry=False)
                del unsent[0]

    def _republish_lost(self) -> None:
        with db.session(self.settings) as session:
            now = db.now(session)
            stale = (Job.status == "queued", Job.run_at <= now, Job.published_at < now - _LOST_AFTER)
            queues = session.scalars(select(Job.queue).where(*stale).distinct()).all()
            late = (Delivery.status == "pending", Delivery.run_at <= now, Delivery.published_at < now - _LOST_AFTER)
            hooks = session.scalar(select(Delivery.id).where(*late).limit(1))
        for queue in filter(None, queues):
            if self._is_empty(queue):
                self._forget(Job, (*stale, Job.queue == queue))
        if hooks and self._is_empty("webhook"):
            self._forget(Delivery, late)

    def _forget(self, table: type[Job] | type[Delivery], which: Sequence[Any]) -> None:
        """Let these rows ask for a message again."""
        with db.session(self.settings, writes=True) as session:
            session.execute(update(table).where(*which).values(published_at=None))

    def _is_empty(self, queue: str) -> bool:
        """Whether the broker has no message for a queue, or no such queue (any more)."""
        name = f"{self.settings.broker_prefix}.{queue}"
        with self._app.connection_for_write(connect_timeout=5) as connection, connection.channel() as channel:
            for known in self._app.amqp.queues.values():
                if known.name == name:
                    declared = known(channel).queue_declare(nowait=False, passive=False)
                    return int(declared.message_count) == 0
        return True


def _message(row: Job | Delivery) -> tuple[str, str]:
    """The id of a row and the queue that it waits in."""
    return (row.id, row.queue or "cpu") if isinstance(row, Job) else (row.id, "webhook")
