"""Values of SSML attributes: rates, pitches, volumes, pauses, emotions. Each raises `InvalidRequest` naming the value.

Alibaba's `<speak>` counts -500 to 500 from half to double; W3C's `<prosody>` has percentages, names and units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tingshuo.errors import InvalidRequest, UnsupportedEmotion

#: Rows of the emotion table of the official voices; a voice knows some of them.
EMOTIONS = (
    "neutral angry disgust fear happy sad surprise calm gentle relax lyrical serious disgruntled satisfied "
    "disappointed excited anxiety jealousy hate pity pleasure arousal dominance"
).split()
#: Tingshuo's own names of the same.
_SYNONYMS = {"fearful": "fear", "disgusted": "disgust", "surprised": "surprise", "none": "neutral"}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.5, "x-fast": 2.0}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_VOLUMES = {"silent": 0.0, "x-soft": 0.25, "soft": 0.5, "medium": 1.0, "default": 1.0, "loud": 1.5, "x-loud": 2.0}
_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.25, "medium": 0.5, "strong": 1.0, "x-strong": 1.5}
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,6})?")
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)")
_LONGEST_PAUSE = 10.0


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _within(value: float, low: float, high: float, what: str, written: str) -> float:
    if not low <= value <= high:
        raise InvalidRequest(f"{what} {written!r} is outside {low:g} to {high:g}")
    return value


def _steps(text: str, what: str) -> float:
    """Alibaba's scale from -500 to 500."""
    value = _number(text)
    if value is None:
        raise InvalidRequest(f"<speak> {what}={text!r} is not a number from -500 to 500")
    return _within(value, -500, 500, f"<speak> {what}", text) / 500


def rate(text: str, tag: str = "prosody") -> float:
    """Factor on the tempo, 0.5 to 2: `80%`, `+20%`, `1.2`, `slow`; in `<speak>` -500 to 500."""
    text = text.strip()
    if tag == "speak":
        steps = _steps(text, "rate")
        return 1 + steps if steps >= 0 else 1 / (1 - steps)
    if text in _RATES:
        return _RATES[text]
    value = _number(text.removesuffix("%"))
    if value is None:
        raise InvalidRequest(
            f"<prosody> rate={text!r} is not a factor (1.2), a percentage (80%, +20%) or one of {', '.join(_RATES)}"
        )
    if text.endswith("%"):
        value = value / 100 + (1 if text[0] in "+-" else 0)
    return _within(value, 0.5, 2.0, "<prosody> rate", text)


def pitch(text: str, tag: str = "prosody") -> float:
    """Semitones, -12 to 12: `+2st`, `high`, `+10%`; in `<speak>` -500 to 500, an octave each way."""
    text = text.strip()
    if tag == "speak":
        return 12 * _steps(text, "pitch")
    if text in _PITCHES:
        return _PITCHES[text]
    value = _number(text.removesuffix("st").removesuffix("%"))
    if value is None or not text.endswith(("st", "%")):
        raise InvalidRequest(
            f"<prosody> pitch={text!r} is not in semitones (+2st), per cent (+10%) or one of {', '.join(_PITCHES)}"
        )
    return _within(value if text.endswith("st") else value * 0.12, -12, 12, "<prosody> pitch", text)


def volume(text: str, tag: str = "prosody") -> float:
    """Factor on the amplitude, 0 to 4: `+6dB`, `loud`, `0` to `100` with 50 as it is."""
    text = text.strip()
    if tag != "speak" and text in _VOLUMES:
        return _VOLUMES[text]
    value = _number(text.removesuffix("dB"))
    if value is None:
        raise InvalidRequest(
            f"<{tag}> volume={text!r} is not 0 to 100, decibels (+6dB) or one of {', '.join(_VOLUMES)}"
        )
    if text.endswith("dB"):
        return float(10 ** (_within(value, -60, 12, f"<{tag}> volume", text) / 20))
    return _within(value, 0, 100, f"<{tag}> volume", text) / 50


def pause(attributes: Mapping[str, str]) -> float:
    """Seconds of a `<break>`: its time (0 to 10 s), else its strength, else one second."""
    if "time" in attributes:
        match = _TIME.fullmatch(attributes["time"].strip())
        if match is None:
            raise InvalidRequest(f"<break> time={attributes['time']!r} is not a time such as 500ms or 1.5s")
        seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
        return _within(seconds, 0, _LONGEST_PAUSE, "<break> time in seconds", attributes["time"])
    strength = attributes.get("strength")
    if strength is not None and strength not in _STRENGTHS:
        raise InvalidRequest(f"<break> strength={strength!r} is not one of {', '.join(_STRENGTHS)}")
    return _STRENGTHS[strength] if strength is not None else 1.0


def emotion(text: str) -> str:
    """The row of the emotion table that a category names. Raises `UnsupportedEmotion`."""
    name = _SYNONYMS.get(text.strip().lower(), text.strip().lower())
    if name not in EMOTIONS:
        raise UnsupportedEmotion(f"<emotion> category={text!r} is not one of {', '.join(EMOTIONS)}")
    return name


def intensity(text: str) -> float:
    """0 (neutral) to 2."""
    value = _number(text.strip())
    if value is None:
        raise InvalidRequest(f"<emotion> intensity={text!r} is not a number from 0 to 2")
    return _within(value, 0, 2, "<emotion> intensity", text)
