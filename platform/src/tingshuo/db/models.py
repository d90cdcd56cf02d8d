"""The tables: jobs, calls, corrections, batches, webhook deliveries, clean-ups, API keys. Times are UTC and aware."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Double, ForeignKey, Index, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

Kind: TypeAlias = Literal["transcription", "speech", "roundtrip"]
Status: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]
#: A job that is one of these will not change any more.
ENDED: tuple[Status, ...] = ("succeeded", "failed", "cancelled")

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time. SQLite keeps no time zone, so UTC goes in and UTC is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Parent of the tables; constraint names are spelled out so that migrations can name them."""

    metadata = MetaData(naming_convention=_NAMES)


class Job(Base):
    """One request to an engine: `running` at once where the caller waits for the answer, else first `queued`.

    `caller` is a key id or "cli". `queue` is None for what never waited. `worker` is the process that works on it,
    until `lease_until` unless it extends that; (`worker`, `attempts`) is one attempt, and only that one may end it.
    `audio_name` is the blob with the kept audio, None where none is; `audio_expires_at` is set where it is kept for a
    link alone. `input_blob` is the blob with the audio to work on;
    `input_held` says that it is there for the work alone and goes when the job has ended.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "caller", "id"),
        Index(None, "status"),
        Index("ix_jobs_claim", "status", "queue", "priority", "id"),
        Index(None, "batch_id"),
        Index(None, "audio_expires_at"),
        Index(None, "finished_at"),
        Index("uq_jobs_idempotency_key", "caller", "idempotency_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    caller: Mapped[str] = mapped_column(String(80))

    engine: Mapped[str] = mapped_column(String(80))
    engine_version: Mapped[str] = mapped_column(String(80))
    model_name: Mapped[str | None] = mapped_column(String(200))
    model_origin: Mapped[str | None] = mapped_column(String(20))
    model_checksum: Mapped[str | None] = mapped_column(String(64))

    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    input_text: Mapped[str | None] = mapped_column(Text)
    input_name: Mapped[str | None] = mapped_column(String(255))

    #: What was asked for, field by field: what a worker does and a replay starts from. None: not kept, or not queued.
    request: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    input_blob: Mapped[str | None] = mapped_column(String(40))
    input_size: Mapped[int | None] = mapped_column(BigInteger)
    input_held: Mapped[bool] = mapped_column(default=False)

    queue: Mapped[str | None] = mapped_column(String(20))
    priority: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=1)
    progress: Mapped[float] = mapped_column(Double, default=0.0)
    run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a message about it was given to the broker; None asks for one.
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    batch_id: Mapped[str | None] = mapped_column(String(40))
    replay_of: Mapped[str | None] = mapped_column(String(40))
    webhook: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_digest: Mapped[str | None] = mapped_column(String(64))

    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_message: Mapped[str | None] = mapped_column(Text)
    #: For searching: what was heard, and `;emotion=happy;event=laughter;`.
    output_text: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[str | None] = mapped_column(Text)

    #: Seconds of audio taken in or given out, characters of text spoken, seconds of work.
    audio_seconds: Mapped[float | None] = mapped_column(Double)
    characters: Mapped[int | None]
    processing_seconds: Mapped[float | None] = mapped_column(Double)

    audio_format: Mapped[str | None] = mapped_column(String(20))
    audio_size: Mapped[int | None] = mapped_column(BigInteger)
    audio_name: Mapped[str | None] = mapped_column(String(40))
    audio_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TranscriptRevision(Base):
    """A correction of the transcript of a job, whole: `segments` are `corrections.Line`s in the order they are told.

    `revision` counts from 1. `changed` is the number of segments that are not as they were heard.
    """

    __tablename__ = "transcript_revisions"

    job_id: Mapped[str] = mapped_column(String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    caller: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed: Mapped[int]
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class Call(Base):
    """A transcribed recording in brief, written in the transaction that ends its job: to rank and to sum up.

    `bad_mood` is the share of the speech whose mood was told that was angry, disgusted, fearful or sad; 0.0 where no
    mood was told. `emotions` are seconds of speech by label, `events` numbers of sounds; `labels` are the job's.
    """

    __tablename__ = "calls"
    __table_args__ = (Index(None, "bad_mood", "job_id"), Index(None, "caller", "job_id"), Index(None, "created_at"))

    job_id: Mapped[str] = mapped_column(String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    caller: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    audio_seconds: Mapped[float] = mapped_column(Double)
    bad_mood: Mapped[float] = mapped_column(Double)
    labels: Mapped[str | None] = mapped_column(Text)
    emotions: Mapped[dict[str, float]] = mapped_column(JSON)
    events: Mapped[dict[str, int]] = mapped_column(JSON)


class Batch(Base):
    """Jobs that were asked for together; how far they are is counted over their rows."""

    __tablename__ = "batches"
    __table_args__ = (
        Index(None, "caller", "id"),
        Index("uq_batches_idempotency_key", "caller", "idempotency_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    caller: Mapped[str] = mapped_column(String(80))
    total: Mapped[int]
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_digest: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Delivery(Base):
    """A webhook to send, written in the transaction that ends the job. `status`: pending, delivered or failed.

    `job_id` is what it tells of: a job, or a batch as a whole.
    """

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "status", "run_at"), Index(None, "job_id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    job_id: Mapped[str] = mapped_column(String(40))
    caller: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(Text)
    #: The body as it is sent and signed: the same bytes on every attempt.
    payload: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str | None] = mapped_column(String(120))
    last_status_code: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CleanUp(Base):
    """When what is not to be kept any longer was last removed, by whom, and how much went; one row per `name`."""

    __tablename__ = "clean_ups"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: A key id, or `maintenance` for the server itself.
    caller: Mapped[str] = mapped_column(String(80))
    jobs: Mapped[int]
    audio: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)


class ApiKey(Base):
    """A bearer key. The token itself is shown once and not kept: `digest` is its keyed hash, `hint` its ends."""

    __tablename__ = "api_keys"
    __table_args__ = (
        # A name may be used again once its key is revoked, so that keys can be rotated.
        Index(
            "uq_api_keys_active_name",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(20))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
