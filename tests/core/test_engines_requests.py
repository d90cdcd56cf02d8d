"""What reaches an engine: checked, resampled, or refused in the words of the request."""

from __future__ import annotations

import numpy as np
import pytest
from engine_calls import OPTIONS, refused, spoken

from tingshuo import Audio, Emotion, Settings, TranscribeOptions, Transcript, Utterance
from tingshuo.errors import (
    InvalidAudio,
    InvalidRequest,
    LimitExceeded,
    TingshuoError,
    UnknownVoice,
    UnsupportedEmotion,
    UnsupportedLanguage,
)
from tingshuo.testing import ToneRecognizer, engines_of


class Listener(ToneRecognizer):
    """Remembers what it got."""

    name = "listener"

    def __init__(self) -> None:
        self.heard: list[Audio] = []

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.heard.append(audio)
        return super().transcribe(audio, options)


# ---- what a recogniser gets


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000])
def test_a_recogniser_gets_its_own_sample_rate(sample_rate: int) -> None:
    listener = Listener()
    transcript = engines_of(listener).transcribe(spoken("采样率", sample_rate), OPTIONS)
    assert transcript.text == "采样率"
    assert listener.heard[0].sample_rate == 16_000
    assert listener.heard[0].samples.dtype == np.float32


@pytest.mark.parametrize(
    ("count", "sample_rate"), [(0, 16_000), (1, 16_000), (399, 16_000), (199, 8_000), (1, 384_000)]
)
def test_sound_shorter_than_an_analysis_window_never_reaches_the_engine(count: int, sample_rate: int) -> None:
    listener = Listener()
    audio = Audio(np.zeros(count, np.float32), sample_rate)
    refused(lambda: engines_of(listener).transcribe(audio, OPTIONS), InvalidAudio, "file")
    assert not listener.heard


def test_a_language_the_recogniser_does_not_know_is_refused_with_those_it_knows() -> None:
    engines = engines_of()
    french, either = TranscribeOptions(language="fr"), TranscribeOptions(languages=("zh", "fr"))
    message = refused(lambda: engines.transcribe(spoken(), french), UnsupportedLanguage, "language")
    assert message == "ears does not know the language 'fr'; it knows: auto, zh, en"
    refused(lambda: engines.transcribe(spoken(), either), UnsupportedLanguage, "language")


# ---- what a synthesizer gets


@pytest.mark.parametrize(
    ("utterance", "error", "param", "words"),
    [
        (Utterance(" \n", ""), InvalidRequest, "input", "empty"),
        (Utterance("长" * 11, ""), LimitExceeded, "input", "11 characters; at most 10"),
        (Utterance("你好", "nobody"), UnknownVoice, "voice", "no voice 'nobody'; it has: high, low"),
        (Utterance("你好", "low", Emotion.HAPPY), UnsupportedEmotion, "emotion", "cannot speak happy; it can: neutral"),
        (Utterance("你好", "", speed=5), InvalidRequest, "speed", "between 0.25 and 4.0"),
        (Utterance("你好", "", intensity=-1), InvalidRequest, "intensity", "between 0.0 and 2.0"),
        (Utterance("你好", "", pitch=float("nan")), InvalidRequest, "pitch", "nan"),
        (Utterance("你好", "", volume=float("inf")), InvalidRequest, "volume", "inf"),
        (Utterance("你好", "", extra={"pauses": 1}), InvalidRequest, "extra", "no option 'pauses'; it has: pause"),
    ],
)
def test_an_utterance_that_cannot_be_spoken_is_refused_in_the_words_of_the_request(
    utterance: Utterance, error: type[TingshuoError], param: str, words: str
) -> None:
    engines = engines_of(settings=Settings(max_text_characters=10))
    assert words in refused(lambda: engines.synthesize(utterance), error, param)
    assert words in refused(lambda: engines.synthesize_stream(utterance), error, param)  # before the first piece
    assert all(row.state == "not_loaded" for row in engines.status())


def test_extra_keys_that_the_engine_declares_reach_it() -> None:
    engines = engines_of()
    short = engines.synthesize(Utterance("你好", "", extra={"pause": 0.1}))
    assert short.duration < engines.synthesize(Utterance("你好", "")).duration
