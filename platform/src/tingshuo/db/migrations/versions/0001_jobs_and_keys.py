"""Jobs and API keys."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_jobs()
    _create_api_keys()


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_table("jobs")


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("engine", sa.String(80), nullable=False),
        sa.Column("engine_version", sa.String(80), nullable=False),
        sa.Column("model_name", sa.String(200)),
        sa.Column("model_origin", sa.String(20)),
        sa.Column("model_checksum", sa.String(64)),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("input_text", sa.Text),
        sa.Column("input_name", sa.String(255)),
        sa.Column("result", sa.JSON(none_as_null=True)),
        sa.Column("error_code", sa.String(80)),
        sa.Column("error_message", sa.Text),
        sa.Column("audio_seconds", sa.Double),
        sa.Column("characters", sa.Integer),
        sa.Column("processing_seconds", sa.Double),
        sa.Column("audio_format", sa.String(20)),
        sa.Column("audio_size", sa.BigInteger),
        sa.Column("audio_expires_at", sa.DateTime(timezone=True)),
        *_life_of_a_job(),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_caller_id", "jobs", ["caller", "id"])
    op.create_index("ix_jobs_status", "jobs", ["status"])
    op.create_index("ix_jobs_audio_expires_at", "jobs", ["audio_expires_at"])


def _life_of_a_job() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("node", sa.String(40), nullable=False),
        sa.Column("process", sa.String(40), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(20), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    active = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_api_keys_active_name", "api_keys", ["name"], unique=True, sqlite_where=active, postgresql_where=active
    )
