"""What becomes of jobs whose worker gives no sign of life."""

from __future__ import annotations

import logging

from tingshuo import blobs, db
from tingshuo.db import Job
from tingshuo.errors import StorageFailed
from tingshuo.outcome import INTERRUPTED, closing
from tingshuo.queues import rows
from tingshuo.queues.notices import announce
from tingshuo.settings import Settings

log = logging.getLogger(__name__)


def reap(settings: Settings) -> int:
    """Take running rows from processes whose leases ran out; how many there were.

    One that came from a queue waits again, as long as it has attempts left. Any other has failed as interrupted.
    """
    with db.session(settings, writes=True) as session:
        now = db.now(session)
        lost = rows.expired(session, now)
        for job in lost:
            log.warning("job %s was lost with its worker %s (attempt %d)", job.id, job.worker, job.attempts)
            if job.queue is not None and job.attempts < job.max_attempts and not job.cancel_requested:
                rows.requeue(job, now)
                continue
            job.worker = job.lease_until = None
            job.finished_at = now
            for name, value in closing(settings, job, keep_input=not job.cancel_requested).items():
                setattr(job, name, value)
            if job.cancel_requested:
                job.status = "cancelled"
            else:
                job.status, (job.error_code, job.error_message) = "failed", INTERRUPTED
            announce(session, job)
    _remove_output(settings, [job for job in lost if job.status == "failed" and job.queue is None])
    return len(lost)


def _remove_output(settings: Settings, jobs: list[Job]) -> None:
    for job in jobs:
        try:
            blobs.store(settings).remove(job.id)
        except StorageFailed as error:
            log.error("cannot remove what job %s left: %s", job.id, error.message)
