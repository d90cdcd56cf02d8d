"""`tingshuo models check` and `tingshuo models trace`: look into a SAMBERT-HiFiGAN model directory."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tingshuo import InvalidRequest

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.report import Report, VoiceReport

Directory = Annotated[Path, typer.Argument(help="A model directory or a zip of one.", metavar="DIR")]
#: Exit code where a voice cannot speak.
FAILED = 1


def check(
    directory: Directory, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False
) -> None:
    """Load every voice of a SAMBERT-HiFiGAN directory and tell what was found, what works and what is unverified."""
    from tingshuo_sambert_hifigan.report import check as check_directory

    report = check_directory(directory)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2, default=str))
    else:
        typer.echo("\n".join(_lines(report)))
    if report.absent or any(voice.problem for voice in report.voices):
        raise typer.Exit(FAILED)


def _lines(report: Report) -> list[str]:
    lines = [str(report.path)]
    for voice in report.voices:
        lines += _voice_lines(voice)
    lines += [f"  {name}: voices.json lists it, but its folder is missing" for name in report.absent]
    return lines + [f"  unverified: {item}" for item in report.unverified]


def _voice_lines(voice: VoiceReport) -> list[str]:
    if voice.problem:
        return [f"  {voice.name}: cannot speak: {voice.problem}"]
    facts = {
        "layout": f"generation {voice.generation}, {voice.variant}, {voice.sample_rate} Hz, {voice.language}",
        "weights": f"{voice.acoustic_weights}, {voice.vocoder_weights} ({voice.parameters / 1e6:.1f} M parameters)",
        "mask symbol": "yes" if voice.has_mask else "no",
        "speakers": ", ".join(voice.speakers),
        "emotions": f"{', '.join(voice.emotions)} (its own names: {', '.join(voice.rows)})",
    }
    notes = [f"    note: {note}" for note in voice.notes]
    return [f"  {voice.name}: speaks", *(f"    {name}: {fact}" for name, fact in facts.items()), *notes]


def trace(
    directory: Directory,
    voice: Annotated[str, typer.Option(help="The voice; the default one if none is named.")] = "",
    symbols: Annotated[Path | None, typer.Option(help="A file whose first line is the symbol line.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npz file to write.")] = Path("trace.npz"),
    inject: Annotated[
        Path | None, typer.Option(help="An .npz file with nsf_phase and nsf_noise (and symbols, if no file has them).")
    ] = None,
) -> None:
    """Speak one symbol line and write every intermediate result, to compare with another implementation."""
    import numpy as np
    import torch

    from tingshuo_sambert_hifigan.directory import open_model
    from tingshuo_sambert_hifigan.loading import load_voice
    from tingshuo_sambert_hifigan.trace import trace as trace_line

    given = _arrays(inject) if inject else {}
    line = _first_line(symbols) if symbols else str(given.get("symbols", ""))
    if not line.strip():
        raise typer.BadParameter("no symbol line; name its file with --symbols")
    # The other implementation is compared to the last bit, and threads divide a sum.
    torch.set_num_threads(1)
    model = open_model(directory)
    name = voice or model.names[0]
    if name not in model.names:
        raise typer.BadParameter(f"there is no voice {name!r}; there are: {', '.join(model.names)}")
    arrays = trace_line(load_voice(model.voice(name), torch.device("cpu")).voice, line, given)
    with out.open("wb") as file:
        np.savez(file, symbols=np.array(line), **arrays)  # type: ignore[arg-type]
    typer.echo(f"{out}: {int(arrays['frames'])} frames, {len(arrays['wav'])} samples", err=True)


def _first_line(path: Path) -> str:
    try:
        return next((line for line in path.read_text("utf-8").splitlines() if line.strip()), "")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is no UTF-8 text: {error}") from error


def _arrays(path: Path) -> dict[str, Any]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError) as error:
        raise InvalidRequest(f"{path} is no .npz file of numbers: {error}") from error
