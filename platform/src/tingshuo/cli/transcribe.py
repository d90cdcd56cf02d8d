"""`tingshuo transcribe`: recordings to text, one or thousands."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from tingshuo.cli.console import FAILED, progress_bar, refuse
from tingshuo.cli.recordings import STDIN, find_recordings
from tingshuo.cli.style import Format, Locale, Style


def transcribe(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, folders of them, or - for stdin.")],
    output: Annotated[Format, typer.Option("--format", "-f", help="What to write.")] = Format.TXT,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for one result per recording.")] = None,
    language: Annotated[str, typer.Option(help="Code of the language spoken, or auto.")] = "auto",
    languages: Annotated[str, typer.Option(help="With auto: choose among these only, as in zh,en.")] = "",
    channel: Annotated[
        Literal["mix", "left", "right", "split"], typer.Option(help="split: each stereo channel apart.")
    ] = "mix",
    itn: Annotated[bool, typer.Option("--itn/--no-itn", help="Write numbers and punctuation as on paper.")] = True,
    engine: Annotated[str, typer.Option(help="Recognizer; see: tingshuo engines.")] = "",
    rich: Annotated[Locale | None, typer.Option(help="txt with emotions and events named in this language.")] = None,
    emoji: Annotated[bool, typer.Option("--emoji", help="txt with emotions and events as emoji.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="The engine's own tagged text; with json beside the text.")
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="Times of every word, where the engine measures them.")
    ] = False,
    hotwords: Annotated[str, typer.Option(help="Names and terms, as in 张薇,Kubernetes; or @FILE, one a line.")] = "",
    denoise: Annotated[bool, typer.Option("--denoise", help="Take noise away first.")] = False,
    loudness: Annotated[bool, typer.Option("--loudness", help="Bring speech to one level first.")] = False,
    max_line_length: Annotated[
        int | None, typer.Option(min=8, max=200, help="Subtitles: columns of a line; a Han character takes two.")
    ] = None,
    max_lines: Annotated[int, typer.Option(min=1, max=4, help="Subtitles: lines of a cue.")] = 2,
    max_cue_seconds: Annotated[float | None, typer.Option(min=0.5, max=60, help="Subtitles: the longest cue.")] = None,
    prefix: Annotated[
        Literal["none", "speaker", "emotion", "both"], typer.Option(help="Subtitles: what a segment begins with.")
    ] = "speaker",
    progress: Annotated[bool | None, typer.Option("--progress/--no-progress", help="Default: on a terminal.")] = None,
    force: Annotated[bool, typer.Option("--force", help="With --out: do again what is done.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="With --out: try again what failed.")] = False,
) -> None:
    """Transcribe recordings.

    With --out every recording gets one result, in the same tree of folders, named after it (a/x.wav.json). A second
    run does only what is new or changed. What failed is listed in errors.jsonl there.
    """
    from tingshuo.cli.transcriber import Transcriber
    from tingshuo.cues import Layout
    from tingshuo.settings import load_settings
    from tingshuo.types import TranscribeOptions

    layout = Layout(max_line_length, max_lines, max_cue_seconds, prefix)
    style = Style(output, rich, emoji, raw, layout)
    style.check()
    if out and STDIN in paths:
        refuse("--out needs files; the transcript of stdin goes to stdout")
    recordings = find_recordings(paths)
    options = TranscribeOptions(
        language=language,
        languages=tuple(part.strip() for part in languages.split(",") if part.strip()),
        itn=itn,
        words=words or layout.divides,
        hotwords=_hotwords(hotwords),
        denoise=denoise,
        loudness=loudness,
    )
    transcriber = Transcriber(load_settings(), engine, options, channel)
    if progress is None and not out and sys.stdout.isatty():
        progress = False  # the transcripts themselves show it
    with closing(transcriber), progress_bar("transcribing", shown=progress, unit="items") as report:
        if out:
            failed = transcriber.into_folder(recordings, out, style, report, force=force, retry_failed=retry_failed)
        else:
            failed = transcriber.to_stdout(recordings, style, report, many=len(paths) > 1 or paths[0].is_dir())
    if failed:
        raise typer.Exit(FAILED)


def _hotwords(text: str) -> tuple[str, ...]:
    """Those of the option: a list, or with @ the name of a file."""
    from tingshuo.hotwords import hotwords_of

    if not text.startswith("@"):
        return hotwords_of("", text.split(","))
    try:
        return hotwords_of("", Path(text[1:]).read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"--hotwords: cannot read {text[1:]}: {error}")
