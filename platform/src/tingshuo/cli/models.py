"""`tingshuo models`: bring, check and carry model weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tingshuo.cli.console import FAILED, emit, note, progress_bar, refuse, table
from tingshuo.cli.extension import Models

if TYPE_CHECKING:
    from tingshuo.settings import Settings

app = typer.Typer(cls=Models, help="Bring, check and carry model weights.")
HubIds = Annotated[list[str], typer.Argument(help="Such as iic/SenseVoiceSmall.", metavar="OWNER/NAME…")]
SomeHubIds = Annotated[
    list[str] | None, typer.Argument(help="Every stored one if none is named.", metavar="OWNER/NAME…")
]
Shown = Annotated[bool | None, typer.Option("--progress/--no-progress", help="Default: on a terminal.")]


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False) -> None:
    """List the stored models, and those that installed engines know and that are missing here."""
    from tingshuo.settings import load_settings

    rows = _rows(load_settings())
    if as_json:
        emit(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    columns = ("model", "state", "size", "revision", "engine", "path")
    table(columns, [[_cell(row[column]) for column in columns] for row in rows])


def _cell(value: object) -> str:
    return f"{value / 1e6:.1f} MB" if isinstance(value, int) else str(value or "-")


def _rows(settings: Settings) -> list[dict[str, Any]]:
    from tingshuo import weights
    from tingshuo.manifest import intact_manifest
    from tingshuo.plugins import load_plugins

    engines = {hub_id: name for name, e in load_plugins(settings).engines.items() for hub_id in e.hub_models}
    stored = weights.stored(settings)
    rows = []
    for hub_id in sorted({*engines, *stored}):
        path = stored.get(hub_id) or weights.installed(settings, hub_id)
        manifest = intact_manifest(path) if path else None
        rows.append(
            {
                "model": hub_id,
                "state": "missing" if path is None else "stored" if hub_id in stored else "in modelscope's cache",
                "size": manifest.size if manifest else None,
                "revision": manifest.revision if manifest else None,
                "engine": engines.get(hub_id),
                "path": str(path) if path else None,
            }
        )
    return rows


@app.command()
def pull(
    hub_ids: HubIds,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "master",
    progress: Shown = None,
) -> None:
    """Download models from the ModelScope hub. Run again after an interruption to go on."""
    from tingshuo import hub
    from tingshuo.settings import load_settings

    settings = load_settings()
    for hub_id in hub_ids:
        with progress_bar(hub_id, shown=progress, unit="bytes") as report:
            folder = hub.pull(settings, hub_id, report, revision)
        note(f"{hub_id} is verified and lies in {folder}")


@app.command()
def verify(hub_ids: SomeHubIds = None) -> None:
    """Compare stored models with the sha256 of their manifests."""
    from tingshuo.errors import ModelError
    from tingshuo.manifest import verify as verify_folder

    failed = False
    for hub_id, folder in _chosen(hub_ids).items():
        try:
            manifest = verify_folder(folder)
        except ModelError as error:
            failed = True
            note(f"error: {error.message}")
        else:
            note(f"{hub_id}: {len(manifest.files)} files are as pulled")
    if failed:
        raise typer.Exit(FAILED)


def _chosen(hub_ids: list[str] | None) -> dict[str, Path]:
    from tingshuo import weights
    from tingshuo.errors import ModelError
    from tingshuo.settings import load_settings

    settings = load_settings()
    if not hub_ids:
        stored = weights.stored(settings)
        return stored or refuse(f"no model is stored in {settings.model_store}; see: tingshuo models list")
    found = {hub_id: weights.installed(settings, hub_id) for hub_id in hub_ids}
    missing = [hub_id for hub_id, folder in found.items() if folder is None]
    if missing:
        raise ModelError(f"model {missing[0]} is not on this machine; see: tingshuo models list")
    return {hub_id: folder for hub_id, folder in found.items() if folder}


@app.command()
def export(
    hub_ids: SomeHubIds = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The tar file to write.")] = Path("tingshuo-kit.tar"),
    progress: Shown = None,
) -> None:
    """Write models into one tar file for machines without a network."""
    from tingshuo import kit

    with progress_bar(out.name, shown=progress, unit="bytes") as report:
        written = kit.export_kit(_chosen(hub_ids), out, report)
    note(f"{out} holds {', '.join(m.hub_id for m in written.models)} ({written.size / 1e6:.1f} MB)")


@app.command("import")
def import_models(
    source: Annotated[Path, typer.Argument(help="A tar file that `models export` wrote.", metavar="KIT")],
    force: Annotated[bool, typer.Option("--force", help="Replace a model that is there and differs.")] = False,
    progress: Shown = None,
) -> None:
    """Put the models of a kit into the model store, after checking every sha256."""
    from tingshuo import kit
    from tingshuo.settings import load_settings

    with progress_bar(source.name, shown=progress, unit="bytes") as report:
        models = kit.import_kit(load_settings(), source, report, force=force)
    for hub_id, new in models.items():
        note(f"{hub_id}: {'imported' if new else 'was there already'}")
