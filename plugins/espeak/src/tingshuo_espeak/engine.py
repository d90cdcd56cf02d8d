# SPDX-License-Identifier: GPL-3.0-or-later
"""eSpeak NG as a Tingshuo engine."""

from collections.abc import Sequence

import numpy as np
from tingshuo import Audio, Emotion, Model, Synthesizer, Utterance, Voice

from .library import library
from .prosody import parameters, prosody

EMOTIONS = tuple(Emotion)
VOICES = {  # by the name that libespeak-ng knows
    "cmn": Voice("cmn", ("zh", "en"), EMOTIONS, "Mandarin"),
    "cmn+f2": Voice("cmn+f2", ("zh", "en"), EMOTIONS, "Mandarin, female"),
    "yue": Voice("yue", ("yue", "en"), EMOTIONS, "Cantonese"),
    "en": Voice("en", ("en",), EMOTIONS, "English, British"),
    "en-us": Voice("en-us", ("en",), EMOTIONS, "English, American"),
    "ja": Voice("ja", ("ja",), EMOTIONS, "Japanese, kana only"),
    "ko": Voice("ko", ("ko",), EMOTIONS, "Korean"),
}


class EspeakSynthesizer(Synthesizer):
    """Formant synthesis in this process; emotion is tempo, pitch, pitch range and level."""

    name = "espeak"
    version = "1.0"
    licence = "GPL-3.0-or-later"
    source = "https://github.com/espeak-ng/espeak-ng"
    sample_rate = 22_050

    def model(self) -> Model:
        """Its data comes with the espeakng_loader wheel."""
        return Model("eSpeak NG", "embedded")

    def load(self) -> None:
        """Starts libespeak-ng, so that unusable data is noticed before the first request."""
        library()

    def voices(self) -> Sequence[Voice]:
        """Mandarin first."""
        return tuple(VOICES.values())

    def synthesize(self, utterance: Utterance) -> Audio:
        """Speak the utterance; a text with nothing to say in it gives a moment of silence."""
        manner = prosody(utterance.emotion, utterance.intensity)
        knobs = parameters(manner, utterance.speed, utterance.pitch, utterance.volume)
        speech = library().speak(utterance.voice, utterance.text, knobs)
        samples = speech.samples if len(speech.samples) else np.zeros(self.sample_rate // 10, np.int16)
        return Audio(samples.astype(np.float32) / np.float32(32_768), self.sample_rate)
