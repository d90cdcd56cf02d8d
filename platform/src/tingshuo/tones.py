"""Two small real engines that understand each other, without a model.

`ToneSynthesizer` speaks a text as a row of tones, one per half byte, and `ToneRecognizer` hears text and emotion back,
also after mp3, Opus or another sample rate. What is tested with them is the way of the sound through the platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.hookspecs import hookimpl
from tingshuo.settings import Settings
from tingshuo.types import (
    UNKNOWN,
    Audio,
    Emotion,
    Model,
    Samples,
    Segment,
    TranscribeOptions,
    Transcript,
    Utterance,
    Voice,
)

#: Seconds one tone lasts; Hz of the lowest tone and between two tones. All 16 pass a telephone.
TONE_SECONDS = 0.03
TONE_LOWEST, TONE_STEP = 600.0, 120.0
#: Seconds of silence before the first tone at speed 1.
PAUSE_SECONDS = 0.8

_EMOTIONS = tuple(Emotion)


def _frequencies(symbols: Sequence[int]) -> Samples:
    return (TONE_LOWEST + TONE_STEP * np.asarray(symbols)).astype(np.float32)


class ToneSynthesizer(Synthesizer):
    """Speaks any text as tones: first the emotion, then the half bytes of the text in UTF-8.

    Voices: `high` and `low` (an amplitude, for the tones are the same); `high` knows every emotion, `low` only neutral.
    `speed` acts on the pause before the first tone, `volume` on the amplitude; `extra` may hold `pause` in seconds.
    """

    name = "tones"
    version = "1"
    licence = "Apache-2.0"
    source = "tingshuo.tones"
    extra_keys = frozenset({"pause"})

    def __init__(self, sample_rate: int = 16_000) -> None:
        self.sample_rate = sample_rate

    def model(self) -> Model:
        return Model("sixteen tones", "embedded")

    def voices(self) -> Sequence[Voice]:
        return (Voice("high", ("zh", "en"), _EMOTIONS), Voice("low", ("zh", "en")))

    def synthesize(self, utterance: Utterance) -> Audio:
        symbols = [_EMOTIONS.index(utterance.emotion)]
        symbols += [half for byte in utterance.text.encode() for half in divmod(byte, 16)]
        pause = float(str(utterance.extra.get("pause", PAUSE_SECONDS))) / utterance.speed
        length = round(TONE_SECONDS * self.sample_rate)
        times = np.arange(length, dtype=np.float32) / self.sample_rate
        tones = np.sin(2 * np.pi * _frequencies(symbols)[:, None] * times).ravel()
        volume = min(utterance.volume * (0.3 if utterance.voice == "high" else 0.2), 1.0)
        silence = np.zeros(round(pause * self.sample_rate), np.float32)
        return Audio(np.concatenate([silence, (volume * tones).astype(np.float32), silence]), self.sample_rate)

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        whole = self.synthesize(utterance)
        for start in range(0, len(whole.samples), self.sample_rate // 2):
            yield Audio(whole.samples[start : start + self.sample_rate // 2], self.sample_rate)


class ToneRecognizer(Recognizer):
    """Hears what `ToneSynthesizer` said; anything else is heard as silence."""

    name = "ears"
    version = "1"
    licence = "Apache-2.0"
    source = "tingshuo.tones"
    sample_rate = 16_000
    languages = ("zh", "en")

    def model(self) -> Model:
        return Model("sixteen filters", "embedded")

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        found = _first_and_last(audio)
        symbols = _symbols(audio, *found) if found else []
        text = bytes(16 * high + low for high, low in zip(symbols[1::2], symbols[2::2], strict=False)).decode(
            errors="replace"
        )
        if not found or not text:
            return Transcript("", None, audio.duration)
        start, end = found[0] / audio.sample_rate, min(found[1] / audio.sample_rate, audio.duration)
        emotion = _EMOTIONS[symbols[0]] if symbols[0] < len(_EMOTIONS) else None
        language = options.language if options.language != "auto" else _language(text)
        segment = Segment(start, end, text, language, emotion, {emotion or UNKNOWN: 1.0}, timing="model", raw=text)
        return Transcript(text, language, audio.duration, (segment,))


def _language(text: str) -> Literal["zh", "en"]:
    return "zh" if re.search("[\u4e00-\u9fff]", text) else "en"


def _first_and_last(audio: Audio) -> tuple[int, int] | None:
    """The samples between which it is loud; None for silence."""
    window = max(audio.sample_rate // 200, 1)
    power = np.convolve(np.square(audio.samples), np.ones(window) / window, mode="same")
    loud = np.flatnonzero(power > max(power.max() / 4, 1e-5))
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else None


def _symbols(audio: Audio, first: int, last: int) -> list[int]:
    length = TONE_SECONDS * audio.sample_rate
    quarter = length / 4
    starts = [first + index * length + quarter for index in range(round((last - first) / length))]
    times = np.arange(int(2 * quarter)) / audio.sample_rate
    filters = np.exp(-2j * np.pi * _frequencies(range(16))[:, None] * times)
    return [
        int(np.abs(filters[:, : len(part)] @ part).argmax())
        for part in (audio.samples[int(start) : int(start) + len(times)] for start in starts)
    ]


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    """Both tone engines: this module is a plugin, `EntryPoint("tones", "tingshuo.tones", "tingshuo")`."""
    return [ToneSynthesizer(), ToneRecognizer()]
