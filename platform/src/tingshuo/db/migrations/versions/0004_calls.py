"""Transcribed recordings in brief, to rank and sum up; when things were cleaned up; jobs found by their end."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
#: Rows whose results are in memory at a time while the migration fills the table in.
_CHUNK = 200
#: How the tables look while the migration fills one in.
_JOBS = sa.table(
    "jobs",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("status", sa.String),
    sa.column("caller", sa.String),
    sa.column("result", sa.JSON),
    sa.column("labels", sa.Text),
    sa.column("audio_seconds", sa.Double),
    sa.column("created_at", _TIME),
)
_BAD = ("angry", "disgusted", "fearful", "sad")


def upgrade() -> None:
    calls = op.create_table(
        "calls",
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("audio_seconds", sa.Double, nullable=False),
        sa.Column("bad_mood", sa.Double, nullable=False),
        sa.Column("labels", sa.Text),
        sa.Column("emotions", sa.JSON, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_calls"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_calls_job_id", ondelete="CASCADE"),
    )
    op.create_index("ix_calls_bad_mood_job_id", "calls", ["bad_mood", "job_id"])
    op.create_index("ix_calls_caller_job_id", "calls", ["caller", "job_id"])
    op.create_index("ix_calls_created_at", "calls", ["created_at"])
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
    op.create_table(
        "clean_ups",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("ran_at", _TIME, nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("jobs", sa.Integer, nullable=False),
        sa.Column("audio", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_clean_ups"),
    )
    _fill_in(calls)


def downgrade() -> None:
    op.drop_table("clean_ups")
    op.drop_table("calls")
    op.drop_index("ix_jobs_finished_at", "jobs")


def _fill_in(calls: sa.Table) -> None:
    connection, last = op.get_bind(), ""
    while True:
        query = sa.select(_JOBS).where(
            _JOBS.c.kind == "transcription", _JOBS.c.status == "succeeded", _JOBS.c.id > last
        )
        found = connection.execute(query.order_by(_JOBS.c.id).limit(_CHUNK)).all()
        if not found:
            return
        connection.execute(sa.insert(calls), [_brief(row) for row in found])
        last = found[-1].id


def _brief(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row has the columns it was asked for
    emotions: dict[str, float] = {}
    events: dict[str, int] = {}
    for segment in (row.result or {}).get("segments") or []:
        if segment.get("emotion"):
            label = segment["emotion"]["label"]
            seconds = (segment.get("end") or 0.0) - (segment.get("start") or 0.0)
            emotions[label] = round(emotions.get(label, 0.0) + seconds, 3)
        for event in segment.get("events") or []:
            events[event["label"]] = events.get(event["label"], 0) + 1
    told = sum(seconds for label, seconds in emotions.items() if label != "unknown")
    return {
        "job_id": row.id,
        "caller": row.caller,
        "created_at": row.created_at,
        "audio_seconds": row.audio_seconds or 0.0,
        "bad_mood": sum(emotions.get(label, 0.0) for label in _BAD) / told if told else 0.0,
        "labels": row.labels,
        "emotions": emotions,
        "events": events,
    }
