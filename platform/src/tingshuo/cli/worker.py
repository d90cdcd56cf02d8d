"""`tingshuo worker`: a process that carries queued jobs out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tingshuo.cli.console import note, refuse

if TYPE_CHECKING:
    from tingshuo.settings import Settings


def worker(
    queues: Annotated[
        str, typer.Option(help="Comma-separated, of cpu, gpu, webhook and maintenance.")
    ] = "cpu,gpu,webhook,maintenance",
    threads: Annotated[int, typer.Option(min=1, max=64, help="Jobs worked on at once.")] = 1,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="Least severity that is logged.")
    ] = "info",
) -> None:
    """Work on queued jobs until SIGTERM or Ctrl-C; the job in hand is then finished, or waits again."""
    from tingshuo import logs, metrics
    from tingshuo.queues.plane import QUEUES
    from tingshuo.settings import load_settings
    from tingshuo.tracing import TRACING

    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        refuse(f"no queue {unknown[0] if unknown else ''!r}; there are: {', '.join(QUEUES)}")
    settings = load_settings()
    logs.configure(settings, log_level)
    TRACING.start(settings)
    with metrics.served(settings):
        _work(settings, names, threads)
    TRACING.stop()


def _work(settings: Settings, queues: Sequence[str], threads: int) -> None:
    from tingshuo import db
    from tingshuo.engines import Engines
    from tingshuo.leases import Leases
    from tingshuo.queues.plane import JobPlane

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    db.upgrade(settings)
    engines, leases = Engines(settings), Leases(settings)
    plane = JobPlane(settings, engines, leases)
    plane.start(queues, threads)
    note(f"working on {', '.join(queues)} as {leases.worker}")
    stopped.wait()
    note("stopping: the jobs in hand are finished first")
    if plane.close(settings.drain_seconds):
        engines.close()
    leases.close()
    db.dispose(settings)
