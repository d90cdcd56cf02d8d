"""The tables: jobs and API keys. Every time is UTC and aware."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Double, Index, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Kind: TypeAlias = Literal["transcription", "speech", "roundtrip"]
Status: TypeAlias = Literal["running", "succeeded", "failed"]

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
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
    """One request to an engine. Written as `running` before the engine works, so a crash leaves a trace.

    `caller` is a key id or "cli". `node` and `process` say which process works on it (see `tingshuo.liveness`).
    `audio_size` is None where no audio is kept; `audio_expires_at` is set where it is kept for a link alone.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "caller", "id"), Index(None, "status"), Index(None, "audio_expires_at"))

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

    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_message: Mapped[str | None] = mapped_column(Text)

    #: Seconds of audio taken in or given out, characters of text spoken, seconds of work.
    audio_seconds: Mapped[float | None] = mapped_column(Double)
    characters: Mapped[int | None]
    processing_seconds: Mapped[float | None] = mapped_column(Double)

    audio_format: Mapped[str | None] = mapped_column(String(20))
    audio_size: Mapped[int | None] = mapped_column(BigInteger)
    audio_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    node: Mapped[str] = mapped_column(String(40))
    process: Mapped[str] = mapped_column(String(40))
    pid: Mapped[int]

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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
