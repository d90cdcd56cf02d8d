"""Corrections of transcripts, as revisions beside the jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # From here on `batch_alter_table("jobs")` on SQLite needs foreign keys off: it drops the old table, and that
    # would take the revisions with it.
    op.create_table(
        "transcript_revisions",
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("caller", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("segments", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "revision", name="pk_transcript_revisions"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_transcript_revisions_job_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("transcript_revisions")
