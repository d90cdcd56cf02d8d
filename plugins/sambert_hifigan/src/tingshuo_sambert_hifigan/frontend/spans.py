"""Marked-up text as the engine walks it: stretches that are spoken in one manner, and silences between them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Style:
    """How a stretch is spoken. None: as the request says.

    emotion: a row of the voices' emotion table, such as happy. intensity: 0 to 2. rate: factor on the tempo,
    pitch: semitones, volume: factor on the amplitude; they multiply (pitch: add to) those of the request.
    """

    voice: str | None = None
    emotion: str | None = None
    intensity: float | None = None
    rate: float = 1.0
    pitch: float = 0.0
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with what is known of its reading.

    reading: pinyin or ARPAbet, given by the author. word: one word, not to be cut. spoken: in words already,
    not to be normalised.
    """

    text: str
    reading: str = ""
    word: bool = False
    spoken: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Pieces in one style, then `pause` seconds of silence. A span without pieces is a silence alone."""

    pieces: tuple[Piece, ...] = ()
    style: Style = field(default_factory=Style)
    pause: float = 0.0

    @property
    def text(self) -> str:
        """What is written in the span."""
        return "".join(piece.text for piece in self.pieces)
