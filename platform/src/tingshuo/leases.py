"""Signs of life: a process keeps the jobs it works on by extending their leases; one that ends stops doing so.

A lease runs out after TINGSHUO_LEASE_SECONDS by the database's clock. What becomes of the job then is told by
`tingshuo.queues.reaper`: one that waited in a queue waits again, any other has failed as interrupted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tingshuo import db
from tingshuo.cancellation import Cancellation
from tingshuo.db import Job
from tingshuo.errors import TingshuoError
from tingshuo.settings import Settings

log = logging.getLogger(__name__)


class Held:
    """A job that this process works on. `wanted` is cancelled when its caller cancels it, or the lease is lost."""

    def __init__(self, job_id: str, attempt: int) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.wanted = Cancellation()
        #: The lease ran out and somebody else took or closed the job: this attempt can no longer end it.
        self.lost = False
        #: This process ends: the job is to wait again.
        self.returned = False


class Leases:
    """The leases of one process. Thread-safe; the thread that extends them runs while there are any."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.worker = _worker_name()
        self._held: dict[str, Held] = {}
        self._guard = threading.Lock()
        self._closed = False
        self._due = threading.Event()
        self._thread: threading.Thread | None = None
        self._taken = False

    def until(self, session: Session) -> datetime:
        """When a lease taken or extended now runs out."""
        self._taken = True
        return db.now(session) + timedelta(seconds=self.settings.lease_seconds)

    @contextlib.contextmanager
    def keep(self, job_id: str, attempt: int = 1) -> Iterator[Held]:
        """Extend the lease of a job that this process has taken while the `with` block runs."""
        held = Held(job_id, attempt)
        with self._guard:
            self._held[job_id] = held
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()
        try:
            yield held
        finally:
            with self._guard:
                del self._held[job_id]

    def look(self) -> None:
        """Extend now, and so see at once which job is to end; otherwise that takes until the next extension."""
        self._due.set()

    def close(self) -> None:
        """Stop extending, and give up what is still held: whoever tidies up next need not wait for the leases.

        Ctrl-C may come between the row of a job and the block that would end it.
        """
        self._closed = True
        self._due.set()
        if self._thread:
            self._thread.join()
        if not self._taken:
            return
        mine = (Job.worker == self.worker, Job.status == "running")
        try:
            with db.session(self.settings, writes=True) as session:
                session.execute(update(Job).where(*mine).values(lease_until=None))
        except TingshuoError as error:  # they run out by themselves
            log.warning("cannot give up the leases of this process: %s", error.message)

    def _run(self) -> None:
        pause = self.settings.lease_seconds / 4
        while True:
            self._due.wait(pause)
            self._due.clear()
            if self._closed:
                return
            with self._guard:
                held = dict(self._held)
            if not held:
                continue
            try:
                self._extend(held)
                pause = self.settings.lease_seconds / 4
            except TingshuoError as error:
                log.warning("cannot extend the leases of %d jobs: %s", len(held), error.message)
                # The sooner it succeeds, the less is taken away and done twice.
                pause = min(1.0, self.settings.lease_seconds / 4)
            except Exception:  # without this thread every job of the process would be taken for lost
                log.exception("extending leases failed; it is tried again")

    def _extend(self, held: dict[str, Held]) -> None:
        mine = (Job.worker == self.worker, Job.status == "running", Job.id.in_(held))
        with db.session(self.settings, writes=True) as session:
            session.execute(update(Job).where(*mine).values(lease_until=self.until(session)))
            rows = session.execute(select(Job.id, Job.attempts, Job.cancel_requested).where(*mine)).all()
        found = {row.id: row for row in rows}
        for job_id, job in held.items():
            row = found.get(job_id)
            if row is None or row.attempts != job.attempt:
                job.lost = True
            if job.lost or (row and row.cancel_requested):
                job.wanted.cancel()


def _worker_name() -> str:
    """`host:pid:random`: for people, and unlike any other, in whatever container."""
    host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())[:60]
    return f"{host}:{os.getpid()}:{secrets.token_hex(8)}"
