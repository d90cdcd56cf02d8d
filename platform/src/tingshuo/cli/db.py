"""`tingshuo db`: the database."""

from __future__ import annotations

import typer

from tingshuo.cli.console import note

app = typer.Typer(help="The database.")


@app.callback()
def group() -> None:
    """The database."""


@app.command()
def upgrade() -> None:
    """Make the tables, or bring them to the newest revision. `serve` does it by itself."""
    from tingshuo import db
    from tingshuo.settings import load_settings

    settings = load_settings()
    db.upgrade(settings)
    note("the database is up to date")
