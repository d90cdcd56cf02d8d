"""A job as the API tells it, and what a list of jobs may be asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tingshuo.batches import Tally
from tingshuo.db import Batch, Delivery, Job, Kind, Status
from tingshuo.filters import JobFilter

_BRIEF = (
    *("id", "kind", "status", "progress", "caller", "batch_id", "replay_of", "queue", "priority", "attempts"),
    *("max_attempts", "run_at", "engine", "engine_version", "model_name", "model_origin", "model_checksum"),
    *("parameters", "input_name", "error_code", "error_message", "audio_seconds", "characters"),
    *("processing_seconds", "audio_format", "audio_size", "webhook", "created_at", "started_at", "finished_at"),
)
#: Characters of the text that a list with summaries tells of each job.
_EXCERPT = 120
_FULL = (*_BRIEF, "input_text", "result")
_DELIVERY = (
    *("id", "job_id", "url", "status", "attempts", "last_status_code", "last_error", "created_at", "run_at"),
    "delivered_at",
)


class JobQuery(BaseModel):
    """The query of GET /v1/jobs. An unknown name in it is an error: a filter must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind | None = None
    status: Status | None = None
    batch: str | None = None
    engine: str | None = None
    emotion: str | None = None
    event: str | None = None
    q: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    caller: str | None = None
    after: str | None = None
    limit: int = 50
    #: Add the emotions, events or figures of each result in brief; the results themselves are read for it.
    summary: bool = False

    def filter(self) -> JobFilter:
        """The conditions, without paging."""
        return JobFilter(
            kind=self.kind,
            status=self.status,
            batch=self.batch,
            engine=self.engine,
            emotion=self.emotion,
            event=self.event,
            q=self.q,
            since=self.since,
            until=self.until,
        )


def job_document(
    job: Job, *, full: bool = False, summary: bool = False, corrected: bool | None = None
) -> dict[str, Any]:
    """A job, JSON-ready. full: with its input text and result, as far as kept.

    summary: with the beginning of its text and the result in brief.

    corrected: whether its transcript is not as it was heard; None where nobody looked.
    """
    document = _document("job", job, _FULL if full else _BRIEF)
    if corrected is not None and job.kind == "transcription":
        document["corrected"] = corrected
    if not summary:
        return document
    excerpt = (job.input_text or job.output_text or "")[:_EXCERPT] or None
    return {**document, "excerpt": excerpt, "summary": result_summary(job)}


def result_summary(job: Job) -> dict[str, Any] | None:
    """What a result comes to: seconds of speech by emotion and events counted, or the figures of a round trip."""
    if not job.result or job.kind == "speech":
        return None
    if job.kind == "roundtrip":
        return {name: job.result.get(name) for name in ("n", "failed", "cer", "wer", "emotion_accuracy")}
    emotions: defaultdict[str, float] = defaultdict(float)
    segments = job.result.get("segments") or []
    for segment in segments:
        if segment.get("emotion"):
            emotions[segment["emotion"]["label"]] += segment["end"] - segment["start"]
    return {
        "language": job.result.get("language"),
        "emotions": {label: round(seconds, 3) for label, seconds in emotions.items()},
        "events": Counter(event["label"] for segment in segments for event in segment.get("events") or ()),
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """A webhook delivery, JSON-ready."""
    return _document("webhook.delivery", delivery, _DELIVERY)


def batch_document(batch: Batch, tally: Tally) -> dict[str, Any]:
    """A batch with how many of its jobs are in which state; `progress` counts the part of those that run."""
    document = _document("batch", batch, ("id", "kind", "caller", "created_at", "total"))
    known = {
        status: tally.counts.get(status, 0) for status in ("queued", "running", "succeeded", "failed", "cancelled")
    }
    ended = sum(known[status] for status in ("succeeded", "failed", "cancelled"))
    there = sum(known.values())
    return {**document, "counts": known, "progress": min((ended + tally.under_way) / there, 1.0) if there else 1.0}


def _document(kind: str, row: object, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {"object": kind, **{name: _told(value) for name, value in values.items()}}


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
