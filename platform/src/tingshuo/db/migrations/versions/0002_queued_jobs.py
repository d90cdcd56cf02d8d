"""Queued jobs, batches, webhook deliveries; leases in place of file locks; columns to search by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
#: How the tables look while the migration fills columns in.
_JOBS = sa.table(
    "jobs",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("parameters", sa.JSON),
    sa.column("result", sa.JSON),
    sa.column("output_text", sa.Text),
    sa.column("labels", sa.Text),
    sa.column("audio_size", sa.BigInteger),
    sa.column("audio_format", sa.String),
    sa.column("audio_name", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        for column in (*_queue_columns(), *_other_columns()):
            jobs.add_column(column)
        for name in ("node", "process", "pid"):
            jobs.drop_column(name)
    op.create_index("ix_jobs_claim", "jobs", ["status", "queue", "priority", "id"])
    op.create_index("ix_jobs_batch_id", "jobs", ["batch_id"])
    op.create_index("uq_jobs_idempotency_key", "jobs", ["caller", "idempotency_key"], unique=True)
    _create_batches()
    _create_deliveries()
    _fill_in()


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("batches")
    for name in ("ix_jobs_claim", "ix_jobs_batch_id", "uq_jobs_idempotency_key"):
        op.drop_index(name, "jobs")
    # The version before knows neither of these.
    op.execute("DELETE FROM jobs WHERE status IN ('queued', 'cancelled')")
    with op.batch_alter_table("jobs") as jobs:
        for column in (*_queue_columns(), *_other_columns()):
            jobs.drop_column(column.name)
        for name in ("node", "process"):
            jobs.add_column(sa.Column(name, sa.String(40), nullable=False, server_default=""))
        jobs.add_column(sa.Column("pid", sa.Integer, nullable=False, server_default="0"))


def _queue_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("queue", sa.String(20)),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer, nullable=False, server_default="1"),
        sa.Column("progress", sa.Double, nullable=False, server_default="0"),
        sa.Column("run_at", _TIME),
        sa.Column("published_at", _TIME),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("worker", sa.String(120)),
        sa.Column("lease_until", _TIME),
    )


def _other_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("request", sa.JSON(none_as_null=True)),
        sa.Column("input_blob", sa.String(40)),
        sa.Column("input_size", sa.BigInteger),
        sa.Column("input_held", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("batch_id", sa.String(40)),
        sa.Column("replay_of", sa.String(40)),
        sa.Column("webhook", sa.Text),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("output_text", sa.Text),
        sa.Column("labels", sa.Text),
        sa.Column("audio_name", sa.String(40)),
    )


def _create_batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_caller_id", "batches", ["caller", "id"])
    op.create_index("uq_batches_idempotency_key", "batches", ["caller", "idempotency_key"], unique=True)


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("run_at", _TIME, nullable=False),
        sa.Column("published_at", _TIME),
        sa.Column("worker", sa.String(120)),
        sa.Column("last_status_code", sa.Integer),
        sa.Column("last_error", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("delivered_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_status_run_at", "deliveries", ["status", "run_at"])
    op.create_index("ix_deliveries_job_id", "deliveries", ["job_id"])


def _fill_in() -> None:
    """The columns to search by, and the names of kept audio, of the rows there are."""
    connection = op.get_bind()
    ending = sa.func.coalesce(sa.literal(".") + _JOBS.c.audio_format, "")
    connection.execute(
        sa.update(_JOBS).where(_JOBS.c.audio_size.is_not(None)).values(audio_name=sa.literal("audio") + ending)
    )
    rows = connection.execute(sa.select(_JOBS.c.id, _JOBS.c.kind, _JOBS.c.parameters, _JOBS.c.result)).all()
    for row in rows:
        found = _found(row.kind, row.parameters or {}, row.result or {})
        if any(found.values()):
            connection.execute(sa.update(_JOBS).where(_JOBS.c.id == row.id).values(**found))


def _found(kind: str, parameters: dict[str, Any], result: dict[str, Any]) -> dict[str, str | None]:
    if kind == "speech":
        emotion = parameters.get("emotion")
        return {"output_text": None, "labels": f";emotion={emotion};" if emotion else None}
    if kind != "transcription":
        return {}
    labels: dict[str, None] = {}
    for segment in result.get("segments") or []:
        if segment.get("emotion"):
            labels[f"emotion={segment['emotion']['label']}"] = None
        labels.update({f"event={event['label']}": None for event in segment.get("events") or []})
    return {"output_text": result.get("text"), "labels": f";{';'.join(labels)};" if labels else None}
