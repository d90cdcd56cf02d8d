"""Alembic's entry: runs the migrations on the connection that `tingshuo.db.upgrade` opened."""

from __future__ import annotations

from alembic import context

from tingshuo.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column in place; batch mode copies the table.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
