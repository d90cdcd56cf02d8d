"""The webhooks about ends: written in the transaction that ends a job, and its batch with the last of its jobs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tingshuo import db
from tingshuo.db import ENDED, Batch, Delivery, Job


def announce(session: Session, job: Job) -> None:
    """Write the webhook about a job that has just ended, and the one about its batch where it was the last of it."""
    if job.webhook is None:
        return
    told = ("id", "kind", "status", "batch_id", "error_code", "audio_seconds", "characters", "attempts")
    # No text: the receiver asks for it with its key.
    data = {"object": "job", **{name: getattr(job, name) for name in told}}
    _write(session, job, f"msg_{secrets.token_hex(15)}", job.id, f"job.{job.status}", data)
    announce_batch(session, job)


def announce_batch(session: Session, job: Job) -> None:
    """Write the webhook about the batch of a job that has just ended or gone, where no other job of it is left."""
    if job.webhook is None or job.batch_id is None:
        return
    # Two jobs that end at the same time do not see each other's end: the second waits here until it does.
    batch = session.scalar(select(Batch).where(Batch.id == job.batch_id).with_for_update())
    if batch is None:
        return
    ends = select(Job.status, func.count()).where(Job.batch_id == batch.id).group_by(Job.status)
    counts = {row[0]: row[1] for row in session.execute(ends).all()}
    # One batch, one message: the id of the row is made of that of the batch.
    message = batch.id.replace("batch_", "msg_")
    if any(status not in ENDED for status in counts) or session.get(Delivery, message) is not None:
        return
    known = {status: counts.get(status, 0) for status in ENDED}
    data = {"object": "batch", "id": batch.id, "kind": batch.kind, "total": batch.total, "counts": known}
    _write(session, job, message, batch.id, "batch.completed", data)


def _write(session: Session, job: Job, message: str, about: str, kind: str, data: Mapping[str, Any]) -> None:
    now = db.now(session)
    payload = {"type": kind, "timestamp": now.isoformat(), "data": data}
    session.add(
        Delivery(
            id=message,
            job_id=about,
            caller=job.caller,
            url=job.webhook,
            payload=json.dumps(payload, ensure_ascii=False),
            status="pending",
            run_at=now,
            created_at=now,
        )
    )
