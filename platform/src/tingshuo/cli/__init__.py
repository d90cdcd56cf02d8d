"""`tingshuo`: the command line. Each command group has its own file; what they import comes late.

Exit codes: 0 done; 1 some of the work failed, or a gate was not met; 2 the command could not be run as asked;
130 Ctrl-C. Data goes to stdout; progress, notes and errors (one line each) go to stderr.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tingshuo.cli import db, jobs, keys, listing, models, roundtrip, say, serve, transcribe, watch, worker, wyoming
from tingshuo.cli.console import emit
from tingshuo.cli.extension import Root

app = typer.Typer(
    cls=Root,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Tingshuo: recognise speech with its emotion, speak with emotion, on your own machines."""
    if version:
        from tingshuo import __version__

        emit(f"tingshuo {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        emit(context.get_help())
        raise typer.Exit


app.command()(serve.serve)
app.command()(worker.worker)
app.command()(watch.watch)
app.command()(wyoming.wyoming)
app.command()(transcribe.transcribe)
app.command()(say.say)
app.command()(roundtrip.roundtrip)
app.command()(listing.engines)
app.command()(listing.voices)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(jobs.app, name="jobs")
app.add_typer(db.app, name="db")
