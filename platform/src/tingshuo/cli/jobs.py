"""`tingshuo jobs`: the history and the queue, on the server itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tingshuo.cli.console import emit, note, refuse, table

if TYPE_CHECKING:
    from tingshuo.jobs import History
    from tingshuo.settings import Settings

app = typer.Typer(help="Jobs: list, show, cancel, retry.")

_Id = Annotated[str, typer.Argument(help="A job id, as `tingshuo jobs list` tells it.")]


@app.callback()
def group() -> None:
    """Jobs: list, show, cancel, retry."""


@app.command("list")
def list_jobs(
    status: Annotated[
        Literal["queued", "running", "succeeded", "failed", "cancelled"] | None, typer.Option(help="Only these.")
    ] = None,
    kind: Annotated[Literal["transcription", "speech", "roundtrip"] | None, typer.Option(help="Only these.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only those of a batch.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first.")] = 20,
) -> None:
    """Everybody's jobs, the newest first."""
    from tingshuo.filters import JobFilter

    jobs = _history()[1].list(JobFilter(kind=kind, status=status, batch=batch), limit=limit)
    rows = [
        (
            job.id,
            job.kind,
            job.status,
            f"{job.attempts}",
            f"{job.created_at:%Y-%m-%d %H:%M:%S}",
            job.engine,
            job.error_code or "",
        )
        for job in jobs
    ]
    table(("ID", "KIND", "STATUS", "ATTEMPTS", "CREATED (UTC)", "ENGINE", "ERROR"), rows)


@app.command()
def show(job_id: _Id) -> None:
    """All about one job, as JSON."""
    from tingshuo.api.job_documents import job_document

    emit(json.dumps(job_document(_history()[1].get(job_id), full=True), ensure_ascii=False, indent=2))


@app.command()
def cancel(job_id: _Id) -> None:
    """End a queued job, or ask a running one to end."""
    from tingshuo.queues import maintenance, rows

    settings, history = _history()
    job = history.get(job_id)
    if job.queue is None and job.status == "running":
        refuse(f"job {job_id} was not queued; it ends when its request is closed")
    rows.cancel(settings, job_id)
    job = history.get(job_id)
    if job.status == "cancelled" and job.input_held:
        maintenance.remove_input(settings, job.id, job.input_blob)
    note(f"{job_id}: {'is asked to end' if job.status == 'running' else job.status}")


@app.command()
def retry(job_id: _Id) -> None:
    """Queue a job that ended again, as a new one with the same request; prints its id."""
    from tingshuo.db import Kind
    from tingshuo.engines import Engines
    from tingshuo.replays import replayed

    settings, history = _history()
    job = history.get(job_id)
    if job.status in ("queued", "running"):
        refuse(f"job {job_id} is {job.status}; only one that has ended can be done again")
    again, _ = replayed(settings, Engines(settings), job, {}, caller=job.caller)
    note(f"{cast(Kind, again.kind)} queued; `tingshuo serve` or `tingshuo worker` does it")
    emit(again.id)


def _history() -> tuple[Settings, History]:
    from tingshuo import db
    from tingshuo.jobs import History
    from tingshuo.settings import load_settings

    settings = load_settings()
    db.upgrade(settings)
    return settings, History(settings)
