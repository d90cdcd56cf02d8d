"""`tingshuo say`: text to an audio file."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tingshuo.cli.console import note, refuse

if TYPE_CHECKING:
    from tingshuo.settings import Settings
    from tingshuo.types import Utterance


def say(
    text: Annotated[str, typer.Argument(help="What to say; - reads UTF-8 from stdin.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Audio file; its ending is the format. - is stdout.")],
    engine: Annotated[str, typer.Option(help="Synthesizer; see: tingshuo engines.")] = "",
    voice: Annotated[str, typer.Option(help="See: tingshuo voices. Default: the engine's first.")] = "",
    emotion: Annotated[
        str, typer.Option(help="neutral, happy, sad, angry, fearful, disgusted, surprised.")
    ] = "neutral",
    intensity: Annotated[float, typer.Option(help="0 is neutral, 1 as the voice does it, at most 2.")] = 1.0,
    speed: Annotated[float, typer.Option(help="Factor on the tempo.")] = 1.0,
    pitch: Annotated[float, typer.Option(help="Semitones up or down.")] = 0.0,
    volume: Annotated[float, typer.Option(help="Factor on the amplitude.")] = 1.0,
    audio_format: Annotated[str, typer.Option("--format", "-f", help="wav, mp3, flac, opus, aac or pcm.")] = "",
) -> None:
    """Speak a text into an audio file."""
    from tingshuo.settings import load_settings
    from tingshuo.types import Utterance
    from tingshuo.validation import parse_emotion

    if not out.parent.is_dir():
        refuse(f"there is no folder {out.parent} to write {out.name} to")
    utterance = Utterance(_text(text), voice, parse_emotion(emotion), intensity, speed, pitch, volume)
    content = _speech(load_settings(), utterance, engine, _format(out, audio_format))
    if out == Path("-"):
        sys.stdout.buffer.write(content)
    else:
        _write(out, content)


def _text(argument: str) -> str:
    content = sys.stdin.buffer.read() if argument == "-" else argument.encode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse(f"the text is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}")


def _format(out: Path, name: str) -> str:
    from tingshuo.audio import FORMATS

    chosen = (name or out.suffix.removeprefix(".") or "wav").lower()
    if chosen not in FORMATS:
        refuse(f"no audio format {chosen!r}; there are: {', '.join(FORMATS)}; name the file so or give --format")
    return chosen


def _speech(settings: Settings, utterance: Utterance, engine: str, audio_format: str) -> bytes:
    from dataclasses import asdict

    from tingshuo import db
    from tingshuo.audio import encode
    from tingshuo.engines import Engines
    from tingshuo.jobs import History

    engines = Engines(settings)
    synthesizer = engines.synthesizer(engine)
    ready = engines.validated(synthesizer, utterance)
    db.upgrade(settings)
    parameters = {key: value for key, value in asdict(ready).items() if key != "text"}
    with (
        closing(History(settings)) as history,
        history.record("speech", synthesizer, parameters, caller="cli", input_text=ready.text) as job,
    ):
        audio = engines.synthesize(ready, synthesizer.name)
        content = encode(audio, audio_format)
        job.finish(
            {"duration": audio.duration, "sample_rate": audio.sample_rate},
            audio_seconds=audio.duration,
            characters=len(ready.text),
            audio=content,
            audio_format=audio_format,
        )
    note(f"{audio.duration:.2f} s of speech by {synthesizer.name}, voice {ready.voice}, {ready.emotion}")
    return content


def _write(out: Path, content: bytes) -> None:
    # Beside the target and then renamed: a full disk leaves the file that was there.
    unfinished = out.with_name(f".{out.name}.partial")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
