"""Engines at work: found, loaded once, called one at a time, their faults contained."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import numpy as np
import pytest
from engine_calls import OPTIONS, refused, spoken

from tingshuo import Audio, Emotion, Model, ModelError, Settings, TranscribeOptions, Transcript, Utterance
from tingshuo.engines import Engines
from tingshuo.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    InvalidRequest,
    UnknownEngine,
    UnsupportedEmotion,
)
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of
from tingshuo.validation import find_voice, parse_emotion


class Watched(ToneRecognizer):
    """Counts loads and closes, and how many calls are in it at once; holds each call until `gate` opens."""

    name = "watched"

    def __init__(self) -> None:
        self.loads = self.closes = self.inside = self.most_inside = 0
        self.gate = threading.Event()
        self.gate.set()

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
        assert find_voice(engines.synthesizer(), name).name == "high"
    assert find_voice(engines.synthesizer(), "low").name == "low"


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


def test_engines_without_plugins_given_are_those_installed() -> None:
    engines = Engines(Settings(plugins=("no-such-plugin",)))
    [row] = engines.status()
    assert (row.name, row.engine, row.state) == ("no-such-plugin", None, "unavailable")
