"""A plugin with two small engines: `echo` hears how long a recording is, `tone` speaks a tone as long as the text."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

import numpy as np

from tingshuo import (
    Audio,
    Emotion,
    Engine,
    Model,
    Recognizer,
    Segment,
    Settings,
    Synthesizer,
    TranscribeOptions,
    Transcript,
    Utterance,
    Voice,
    hookimpl,
)


class Echo(Recognizer):
    name, version, licence, source = "echo", "1", "Apache-2.0", "tests"
    sample_rate = 16_000
    languages = ("zh", "en")

    def model(self) -> Model:
        return Model("echo", "embedded")

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        # Lets a test stop the program in the middle of a folder.
        time.sleep(float(os.environ.get("ECHO_SECONDS", "0")))
        text = f"{audio.duration:.2f} 秒"
        scores = {"happy": 0.9, "neutral": 0.1}
        segment = Segment(0.0, audio.duration, text, "zh", Emotion.HAPPY, scores, timing="model", raw=f"<|zh|>{text}")
        return Transcript(text, "zh", audio.duration, (segment,))


class Tone(Synthesizer):
    name, version, licence, source = "tone", "1", "Apache-2.0", "tests"
    sample_rate = 16_000

    def model(self) -> Model:
        return Model("tone", "embedded")

    def voices(self) -> Sequence[Voice]:
        both = (Emotion.NEUTRAL, Emotion.HAPPY)
        return [Voice("flute", ("zh", "en"), both, "a tone"), Voice("horn", ("zh",), both, "the same tone")]

    def synthesize(self, utterance: Utterance) -> Audio:
        samples = np.arange(4_000 + 800 * len(utterance.text), dtype=np.float32)
        return Audio(np.sin(samples * np.float32(0.2)) * np.float32(0.3), self.sample_rate)


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    return [Echo(), Tone()]
