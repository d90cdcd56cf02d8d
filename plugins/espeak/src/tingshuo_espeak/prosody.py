# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion as prosody: what each emotion does to tempo, pitch, pitch range and level.

The directions follow the summary of vocal expression in Juslin & Laukka, "Communication of emotions in vocal
expression and music performance", Psychological Bulletin 129(5), 2003, table 7. The sizes are ours: far enough
apart to be told from each other by ear without the level, and never so flat that Mandarin tones disappear.
"""

from __future__ import annotations

from dataclasses import dataclass

from .library import Parameter

NORMAL_RATE = 175  # words per minute at speed 1
STEPS_PER_SEMITONE = 50 / 12  # eSpeak's pitch: 50 steps are one octave
NORMAL_PITCH = 50
NORMAL_RANGE = 50
NORMAL_VOLUME = 80  # leaves room for the loudest emotion before eSpeak clips
RATES = (80, 450)
PITCHES = (0, 100)
RANGES = (20, 100)  # below 20 the four tones sound alike
VOLUMES = (0, 200)


@dataclass(frozen=True, slots=True)
class Prosody:
    """A manner of speaking relative to neutral: factors, and `pitch` in semitones."""

    tempo: float = 1.0
    pitch: float = 0.0
    range: float = 1.0
    volume: float = 1.0


PROSODY: dict[str, Prosody] = {
    #                    tempo pitch range volume
    "neutral": Prosody(1.00, 0.0, 1.00, 1.00),
    "happy": Prosody(1.15, 3.5, 1.50, 1.10),  # quick, bright, lively
    "sad": Prosody(0.72, -3.0, 0.55, 0.75),  # slow, low, flat, soft
    "angry": Prosody(1.28, -2.0, 1.70, 1.35),  # fast, pressed down, strongly accented, loud
    "fearful": Prosody(1.40, 7.0, 0.60, 0.85),  # hurried, high, narrow
    "disgusted": Prosody(0.80, -6.5, 1.35, 0.95),  # drawn out, low, with wide glides
    "surprised": Prosody(0.90, 8.0, 1.90, 1.15),  # high and sweeping, not hurried
}


def prosody(emotion: str, intensity: float = 1.0) -> Prosody:
    """`emotion` at `intensity` 0..2: 0 is neutral, 1 the table, 2 twice the distance from neutral."""
    full = PROSODY[emotion]
    return Prosody(
        tempo=1 + intensity * (full.tempo - 1),
        pitch=intensity * full.pitch,
        range=1 + intensity * (full.range - 1),
        volume=1 + intensity * (full.volume - 1),
    )


def parameters(manner: Prosody, speed: float = 1.0, pitch: float = 0.0, volume: float = 1.0) -> dict[Parameter, int]:
    """ESpeak's parameters for `manner`, with the caller's `speed` factor, `pitch` in semitones and `volume` factor."""
    return {
        Parameter.RATE: _within(RATES, NORMAL_RATE * manner.tempo * speed),
        Parameter.PITCH: _within(PITCHES, NORMAL_PITCH + STEPS_PER_SEMITONE * (manner.pitch + pitch)),
        Parameter.RANGE: _within(RANGES, NORMAL_RANGE * manner.range),
        Parameter.VOLUME: _within(VOLUMES, NORMAL_VOLUME * manner.volume * volume),
    }


def _within(limits: tuple[int, int], value: float) -> int:
    low, high = limits
    return min(high, max(low, round(value)))
