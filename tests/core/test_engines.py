"""Engines at work: found, loaded once, called one at a time, their input checked, their faults contained."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import numpy as np
import pytest

from tingshuo import Audio, Emotion, Model, ModelError, Settings, TranscribeOptions, Transcript, Utterance
from tingshuo.engines import Engines, parse_emotion
from tingshuo.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    InvalidAudio,
    InvalidRequest,
    LimitExceeded,
    TingshuoError,
    UnknownEngine,
    UnknownVoice,
    UnsupportedEmotion,
    UnsupportedLanguage,
)
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of

OPTIONS = TranscribeOptions()


class Watched(ToneRecognizer):
    """Counts loads and closes, and how many calls are in it at once; holds each call until `gate` opens."""

    name = "watched"

    def __init__(self) -> None:
        self.loads = self.closes = self.inside = self.most_inside = 0
        self.gate = threading.Event()
        self.gate.set()
        self.heard: list[Audio] = []

    def load(self) -> None:
        time.sleep(0.02)
        self.loads += 1

    def close(self) -> None:
        self.closes += 1

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        assert self.gate.wait(10)
        time.sleep(0.005)
        self.inside -= 1
        self.heard.append(audio)
        return super().transcribe(audio, options)


class Broken(ToneRecognizer):
    """Cannot be loaded, in the way given."""

    name = "broken"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def load(self) -> None:
        raise self.error


class Raising(ToneSynthesizer):
    """Raises while it works, at once or in the middle of a stream."""

    name = "raising"

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def synthesize(self, utterance: Utterance) -> Audio:
        raise self.error

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        yield Audio(np.zeros(800, np.float32), self.sample_rate)
        raise self.error


def spoken(text: str = "你好", sample_rate: int = 16_000) -> Audio:
    return ToneSynthesizer(sample_rate).synthesize(Utterance(text, "high"))


def refused(call: Callable[[], object], error: type[TingshuoError], param: str) -> str:
    with pytest.raises(error) as caught:
        call()
    assert caught.value.param == param
    return caught.value.message


# ---- finding


def test_an_engine_is_found_by_name_and_by_default() -> None:
    engines = engines_of()
    assert engines.recognizer().name == engines.recognizer("ears").name == "ears"
    assert engines.synthesizer().name == engines.synthesizer("tones").name == "tones"


@pytest.mark.parametrize("name", ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"])
def test_openais_names_for_recognition_mean_the_default_engine(name: str) -> None:
    assert engines_of().recognizer(name).name == "ears"


@pytest.mark.parametrize("name", ["tts-1", "tts-1-hd", "gpt-4o-mini-tts"])
def test_openais_names_for_speech_mean_the_default_engine(name: str) -> None:
    assert engines_of().synthesizer(name).name == "tones"


def test_the_default_engine_can_be_set_and_one_that_works_goes_before_one_that_does_not() -> None:
    class Absent(ToneRecognizer):
        name = "absent"

        def model(self) -> Model:
            raise ModelError("no weights; bring them with: tingshuo models pull x/y")

    assert engines_of(Absent(), ToneRecognizer()).recognizer().name == "ears"
    chosen = engines_of(Absent(), ToneRecognizer(), settings=Settings(default_recognizer="absent"))
    assert chosen.recognizer().name == "absent"
    [row] = [row for row in chosen.status() if row.name == "absent"]
    assert (row.state, row.model) == ("unavailable", None)
    assert "tingshuo models pull" in row.reason


def test_an_unknown_engine_names_the_known_ones_of_its_kind() -> None:
    message = refused(lambda: engines_of().recognizer("tones"), UnknownEngine, "model")
    assert message == "no recognizer 'tones'; there are: ears"
    assert "none is installed" in refused(lambda: engines_of(ToneSynthesizer()).recognizer(), UnknownEngine, "model")
    refused(lambda: engines_of().load("nothing"), UnknownEngine, "model")


def test_an_empty_voice_and_openais_voices_mean_the_first_voice() -> None:
    engines = engines_of()
    for name in ("", "alloy", "default"):
        assert engines.voice(engines.synthesizer(), name).name == "high"
    assert engines.voice(engines.synthesizer(), "low").name == "low"


def test_an_emotion_is_parsed_from_its_name() -> None:
    assert parse_emotion(" Angry ") is Emotion.ANGRY
    assert "neutral, happy, sad" in refused(lambda: parse_emotion("cheerful"), UnsupportedEmotion, "emotion")


# ---- loading, one at a time, and the queue


def test_eight_threads_load_an_engine_once_and_call_it_one_at_a_time() -> None:
    watched = Watched()
    engines = engines_of(watched)
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda _: engines.transcribe(spoken(), OPTIONS).text, range(24)))
    assert texts == ["你好"] * 24
    assert (watched.loads, watched.most_inside) == (1, 1)


def test_a_full_queue_is_said_at_once_and_empties_again() -> None:
    watched = Watched()
    watched.gate.clear()
    engines = engines_of(watched, settings=Settings(engine_queue=2))
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(engines.transcribe, spoken(), OPTIONS) for _ in range(3)]
        done, waiting = wait(calls, timeout=10, return_when=FIRST_COMPLETED)
        watched.gate.set()
        [busy] = [call.exception() for call in done]
        assert isinstance(busy, EngineBusy)
        assert busy.retry_after
        assert [call.result(10).text for call in waiting] == ["你好"] * 2
    assert engines.transcribe(spoken(), OPTIONS).text == "你好"


def test_a_stream_holds_the_engine_until_it_ends_or_is_given_up() -> None:
    engines = engines_of(ToneSynthesizer(), settings=Settings(engine_queue=1))
    stream = engines.synthesize_stream(Utterance("你好", ""))
    next(stream)
    with pytest.raises(EngineBusy):
        engines.synthesize(Utterance("你好", ""))
    stream.close()  # type: ignore[attr-defined]  # a generator
    whole = engines.synthesize(Utterance("你好", ""))
    pieces = list(engines.synthesize_stream(Utterance("你好", "")))
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in pieces]), whole.samples)


def test_closing_frees_what_was_loaded_and_the_next_request_loads_again() -> None:
    watched = Watched()
    engines = engines_of(watched)
    engines.close()
    assert watched.closes == 0
    engines.load("watched")
    assert [row.state for row in engines.status()] == ["ready"]
    engines.close()
    assert (watched.loads, watched.closes) == (1, 1)
    assert [row.state for row in engines.status()] == ["not_loaded"]
    engines.transcribe(spoken(), OPTIONS)
    assert watched.loads == 2


@pytest.mark.parametrize("error", [ModelError("model.pt is torn"), RuntimeError("CUDA"), OSError("disk")])
def test_an_engine_that_does_not_load_is_unavailable_and_the_others_work(error: Exception) -> None:
    engines = engines_of(Broken(error), ToneRecognizer(), ToneSynthesizer())
    message = refused(lambda: engines.transcribe(spoken(), OPTIONS, "broken"), EngineUnavailable, "model")
    assert str(error) in message
    states = {row.name: row.state for row in engines.status()}
    assert states == {"broken": "unavailable", "ears": "not_loaded", "tones": "not_loaded"}
    assert engines.transcribe(engines.synthesize(Utterance("你好", "")), OPTIONS).text == "你好"


def test_an_engine_that_raises_is_a_failed_request_not_a_dead_engine(caplog: pytest.LogCaptureFixture) -> None:
    engines = engines_of(Raising(ZeroDivisionError("float division by zero")), settings=Settings(engine_queue=1))
    for call in (engines.synthesize, lambda utterance: list(engines.synthesize_stream(utterance))):
        with caplog.at_level(logging.ERROR), pytest.raises(EngineFailed, match="raising failed: ZeroDivisionError"):
            call(Utterance("你好", ""))
    assert "ZeroDivisionError" in caplog.text


def test_an_engine_may_refuse_in_our_own_words() -> None:
    engines = engines_of(Raising(InvalidRequest("cannot say that", param="input")))
    assert refused(lambda: engines.synthesize(Utterance("你好", "")), InvalidRequest, "input") == "cannot say that"


# ---- what a recogniser gets


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000])
def test_a_recogniser_gets_its_own_sample_rate(sample_rate: int) -> None:
    watched = Watched()
    transcript = engines_of(watched).transcribe(spoken("采样率", sample_rate), OPTIONS)
    assert transcript.text == "采样率"
    assert watched.heard[0].sample_rate == 16_000
    assert watched.heard[0].samples.dtype == np.float32


@pytest.mark.parametrize(
    ("count", "sample_rate"), [(0, 16_000), (1, 16_000), (399, 16_000), (199, 8_000), (1, 384_000)]
)
def test_sound_shorter_than_an_analysis_window_never_reaches_the_engine(count: int, sample_rate: int) -> None:
    watched = Watched()
    audio = Audio(np.zeros(count, np.float32), sample_rate)
    refused(lambda: engines_of(watched).transcribe(audio, OPTIONS), InvalidAudio, "file")
    assert not watched.heard


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


def test_engines_without_plugins_given_are_those_installed() -> None:
    engines = Engines(Settings(plugins=("no-such-plugin",)))
    [row] = engines.status()
    assert (row.name, row.engine, row.state) == ("no-such-plugin", None, "unavailable")
