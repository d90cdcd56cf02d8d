"""`tingshuo keys`: who may call the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tingshuo.cli.console import emit, note, table

if TYPE_CHECKING:
    from tingshuo.db import ApiKey
    from tingshuo.settings import Settings

app = typer.Typer(help="API keys: who may call, and what for.")


def _settings() -> Settings:
    from tingshuo import db
    from tingshuo.settings import load_settings

    settings = load_settings()
    db.upgrade(settings)
    return settings


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is called in lists and logs.")],
    scopes: Annotated[str, typer.Option(help="all, or some of admin,transcribe,speak,jobs,metrics.")] = "all",
    expires: Annotated[
        int | None, typer.Option(help="Days until it expires.", metavar="DAYS", min=1, max=36500)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the key alone.")] = False,
) -> None:
    """Make a key. It is shown this once."""
    from tingshuo import auth

    end = None if expires is None else datetime.now(UTC) + timedelta(days=expires)
    row, token = auth.create_key(
        _settings(), name, [scope.strip() for scope in scopes.split(",") if scope.strip()], end
    )
    if not quiet:
        note(f"key {row.name!r} ({row.id}) for {', '.join(row.scopes)}, {_life(row)}; it is shown this once:")
    emit(token)


def _life(row: ApiKey) -> str:
    if row.revoked_at:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at:
        return f"{'expired' if row.expires_at <= datetime.now(UTC) else 'expires'} {row.expires_at:%Y-%m-%d}"
    return "does not expire"


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List all keys, revoked ones too."""
    from tingshuo import auth

    rows = auth.list_keys(_settings())
    if as_json:
        emit(json.dumps([_document(row) for row in rows], ensure_ascii=False, indent=2))
        return
    columns = ("id", "name", "key", "scopes", "created", "last used", "state")
    table(columns, [_cells(row) for row in rows])


def _document(row: ApiKey) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "scopes": row.scopes,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _cells(row: ApiKey) -> list[str]:
    used = f"{row.last_used_at:%Y-%m-%d}" if row.last_used_at else "never"
    return [row.id, row.name, row.hint, ", ".join(row.scopes), f"{row.created_at:%Y-%m-%d}", used, _life(row)]


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Its id or name.")]) -> None:
    """Make a key worthless from now on."""
    from tingshuo import auth

    row = auth.revoke_key(_settings(), key)
    note(f"key {row.name!r} ({row.id}) is revoked")
