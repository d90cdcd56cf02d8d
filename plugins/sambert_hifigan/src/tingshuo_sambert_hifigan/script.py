"""From an utterance to what is spoken: parts of symbol lines, each in one voice and style, with silences behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tingshuo import InvalidRequest, Utterance
from tingshuo_sambert_hifigan.emotions import allowed_rows, row_of
from tingshuo_sambert_hifigan.voice import Style
from tingshuo_sambert_hifigan.voice_files import VoiceFiles

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.frontend import FrontEnd
    from tingshuo_sambert_hifigan.frontend import Style as Markup

#: Factor on the tempo; beyond it the durations are far from all that a voice has learned.
SPEEDS = (0.5, 2.0)
#: Seconds; a longer silence between sentences is a mistake.
MAX_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """Lines in one manner. markup: what SSML asks for, on top of the utterance. pause: seconds of silence behind."""

    lines: tuple[str, ...]
    markup: Markup | None = None
    pause: float = 0.0


def read_symbols(text: str) -> list[Part]:
    """One part of the text's lines, each a symbol line."""
    lines = tuple(line for line in text.splitlines() if line.strip())
    if not lines:
        raise InvalidRequest("there is no symbol line in the text", param="input")
    return [Part(lines)]


def read_text(reader: FrontEnd, text: str) -> list[Part]:
    """The parts of a text or of SSML. Raises `InvalidRequest` where nothing is to be heard."""
    from tingshuo_sambert_hifigan.frontend import Stamp

    spans = reader.spans(text)
    parts = [Part(tuple(reader.lines(span, Stamp())), span.style, span.pause) for span in spans]
    if not any(part.lines or part.pause for part in parts):
        raise InvalidRequest(f"there is nothing to speak in {text[:40]!r}", param="input")
    return parts


def style_of(utterance: Utterance, markup: Markup | None, voice: VoiceFiles) -> tuple[Style, float]:
    """The style and the volume of a part; raises what the voice cannot do."""
    extra, rows = utterance.extra, allowed_rows(voice)
    named, intensity, speed = extra.get("emotion"), utterance.intensity, utterance.speed
    semitones, volume = utterance.pitch, utterance.volume
    if markup is not None:
        named = markup.emotion or named
        intensity = intensity if markup.intensity is None else markup.intensity
        speed, semitones, volume = speed * markup.rate, semitones + markup.pitch, volume * markup.volume
    for name, value, (low, high) in (("speed", speed, SPEEDS), ("intensity", intensity, (0.0, 2.0))):
        if not low <= value <= high:
            raise InvalidRequest(f"{name} is {value:g}; it must lie between {low:g} and {high:g}", param=name)
    row = row_of(utterance.emotion, named, rows, voice.name)
    return Style(row, intensity, speed, semitones, _speaker(extra.get("speaker"), voice)), volume


def _speaker(asked: object, voice: VoiceFiles) -> str:
    # The front end writes F7, the first speaker of the official lists, which not every voice has.
    usual = "F7" if "F7" in voice.speakers else voice.speakers[0]
    speaker = usual if asked is None else str(asked)
    if speaker not in voice.speakers:
        known = ", ".join(voice.speakers)
        raise InvalidRequest(f"voice {voice.name!r} has no speaker {speaker[:40]!r}; it has: {known}", param="extra")
    return speaker


def seconds_between(utterance: Utterance) -> float:
    """Seconds of silence that `extra` asks for between the sentences of a part."""
    value = utterance.extra.get("pause", 0.0)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MAX_PAUSE:
        raise InvalidRequest(f"pause is {value!r}; it must be seconds from 0 to {MAX_PAUSE:g}", param="extra")
    return float(value)


def wants_symbols(utterance: Utterance) -> bool:
    """Whether `extra` says that the text is symbol lines."""
    value = utterance.extra.get("symbols", False)
    if not isinstance(value, bool):
        raise InvalidRequest(f"symbols is {value!r}; it must be true or false", param="extra")
    return value


def voices_of(parts: list[Part], usual: str) -> Iterator[str]:
    """The name of each part's voice."""
    for part in parts:
        yield (part.markup.voice if part.markup else None) or usual
