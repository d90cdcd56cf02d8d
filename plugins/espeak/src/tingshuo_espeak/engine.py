# SPDX-License-Identifier: GPL-3.0-or-later
"""eSpeak NG as a Tingshuo engine."""

from collections.abc import Sequence

import numpy as np

from tingshuo import Audio, Emotion, Model, Synthesizer, Utterance, Voice

from .library import library
from .prosody import parameters, prosody

EMOTIONS = tuple(Emotion)
SHORTEST = 2_205  # samples, a tenth of a second: what marks without words become
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
        """Speak the utterance; marks without words give a moment of silence."""
        manner = prosody(utterance.emotion, utterance.intensity)
        knobs = parameters(manner, utterance.speed, utterance.pitch, utterance.volume)
        speech = library().speak(utterance.voice, utterance.text, knobs)
        missing = max(0, SHORTEST - len(speech.samples))
        return Audio(np.pad(speech.samples, (0, missing)).astype(np.float32) / np.float32(32_768), self.sample_rate)
