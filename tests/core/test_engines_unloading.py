"""Engines that leave the memory: when asked, when idle, and never under a call."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from engine_calls import OPTIONS, spoken, until

from tingshuo import Audio, Settings, TranscribeOptions, Transcript, Utterance
from tingshuo.cancellation import Cancellation
from tingshuo.engines import Engines, EngineStatus
from tingshuo.errors import UnknownEngine
from tingshuo.machine import give_memory_back, processor_cores, resident_bytes
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of
from tingshuo.types import VoiceActivity


class Weights(ToneRecognizer):
    """Cannot work without what `load` reads; holds each call until the gate opens."""

    name = "weights"
    megabytes = 1

    def __init__(self) -> None:
        self.weights: np.ndarray | None = None
        self.loads = 0
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def load(self) -> None:
        self.loads += 1
        self.weights = np.ones(self.megabytes * 2**18, np.float32)

    def close(self) -> None:
        self.weights = None

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.entered.set()
        assert self.gate.wait(20)
        assert self.weights is not None
        return super().transcribe(audio, options)


def row(engines: Engines, name: str = "weights") -> EngineStatus:
    return next(row for row in engines.status() if row.name == name)


def test_an_engine_is_unloaded_when_asked_and_loads_again_on_demand() -> None:
    engines = engines_of(Weights())
    assert (row(engines).loaded, row(engines).last_used) == (False, None)
    engines.transcribe(spoken(), OPTIONS)
    before = time.time()
    assert row(engines).loaded
    assert abs((row(engines).last_used or 0) - before) < 10
    assert engines.unload("weights")
    assert (row(engines).loaded, row(engines).state) == (False, "not_loaded")
    assert engines.unload("weights")  # nothing is to be done
    assert engines.transcribe(spoken(), OPTIONS).text == "你好"
    with pytest.raises(UnknownEngine):
        engines.unload("nothing")


def test_an_engine_in_use_is_unloaded_at_the_end_of_the_last_call() -> None:
    weights = Weights()
    weights.gate.clear()
    engines = engines_of(weights)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(engines.transcribe, spoken(), OPTIONS)
        assert weights.entered.wait(20)
        assert not engines.unload("weights")
        assert row(engines).loaded
        weights.gate.set()
        assert call.result(20).text == "你好"
    assert not row(engines).loaded


def test_an_engine_is_not_unloaded_under_a_stream() -> None:
    engines = engines_of(ToneSynthesizer())
    stream = engines.synthesize_stream(Utterance("你好", ""))
    next(stream)
    assert not engines.unload("tones")
    assert row(engines, "tones").loaded
    assert list(stream)
    assert not row(engines, "tones").loaded


def test_an_idle_engine_is_unloaded_after_the_time_set_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    weights = Weights()
    engines = engines_of(weights, settings=Settings(engine_ttl_s=0.05))
    with caplog.at_level(logging.INFO):
        engines.transcribe(spoken(), OPTIONS)
        until(lambda: not row(engines).loaded)
    assert weights.weights is None
    assert "unloading weights, unused for 0.05 s" in caplog.text
    assert engines.transcribe(spoken(), OPTIONS).text == "你好"
    engines.close()
    engines.transcribe(spoken(), OPTIONS)  # and again after closing
    until(lambda: not row(engines).loaded)
    engines.close()


def test_a_call_longer_than_the_idle_time_keeps_its_engine() -> None:
    weights = Weights()
    weights.gate.clear()
    engines = engines_of(weights, settings=Settings(engine_ttl_s=0.02))
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(engines.transcribe, spoken(), OPTIONS)
        assert weights.entered.wait(20)
        time.sleep(0.2)
        assert row(engines).loaded
        weights.gate.set()
        assert call.result(20).text == "你好"
    engines.close()


def test_calls_unloading_and_idling_at_once_never_meet() -> None:
    weights = Weights()
    engines = engines_of(weights, settings=Settings(engine_ttl_s=0.001))
    token = Cancellation(60)
    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(engines.transcribe, spoken(), OPTIONS, cancellation=token) for _ in range(12)]
        for _ in range(8):
            engines.unload("weights")
        assert [call.result(60).text for call in calls] == ["你好"] * 12
    engines.close()
    assert weights.loads >= 1


def test_an_engine_that_fails_while_closing_is_gone_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Sticky(ToneRecognizer):
        name = "weights"

        def close(self) -> None:
            raise OSError("the device is busy")

    engines = engines_of(Sticky())
    engines.load("weights")
    with caplog.at_level(logging.ERROR):
        assert engines.unload("weights")
    assert "the device is busy" in caplog.text
    assert engines.transcribe(spoken(), OPTIONS).text == "你好"


@pytest.mark.skipif(resident_bytes(os.getpid()) is None, reason="the system does not tell how much memory is in use")
def test_unloading_gives_the_memory_back_to_the_system() -> None:
    class Heavy(Weights):
        megabytes = 200

    def taken() -> int:
        return resident_bytes(os.getpid()) or 0

    engines = engines_of(Heavy())
    before = taken()
    engines.load("weights")
    assert taken() - before > 150 * 2**20
    engines.unload("weights")
    assert taken() - before < 50 * 2**20


def test_the_machine_is_asked_for_what_it_has() -> None:
    assert 1 <= processor_cores() <= (os.cpu_count() or 1)
    assert resident_bytes(2**22 + 1) is None  # beyond the largest process id
    give_memory_back()


def test_a_quick_look_waits_for_no_lane_of_an_engine_that_threads_may_share() -> None:
    class Watchful(Weights):
        thread_safe = finds_speech = True

        def find_speech(self, audio: Audio, activity: VoiceActivity) -> list[tuple[float, float]]:
            assert self.weights is not None
            return [(0.0, audio.duration)]

    weights = Watchful()
    weights.gate.clear()
    engines = engines_of(weights, settings=Settings(engine_concurrency=1))
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(engines.transcribe, spoken(), OPTIONS)
        assert weights.entered.wait(20)
        assert engines.find_speech(spoken(), VoiceActivity())
        assert not engines.unload("weights")
        weights.gate.set()
        assert call.result(20).text == "你好"
    assert engines.find_speech(spoken(), VoiceActivity())  # loads again


class Shared(ToneRecognizer):
    """May be called by several threads; `most` counts them."""

    name = "shared"
    thread_safe = True

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.met = threading.Barrier(3)
        self._lock = threading.Lock()

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.met.wait(20)  # three calls must be in here at once, or this raises
        with self._lock:
            self.inside -= 1
        return super().transcribe(audio, options)


def _three_at_once(engines: Engines) -> Iterator[str]:
    with ThreadPoolExecutor(9) as threads:
        calls = [threads.submit(engines.transcribe, spoken(), OPTIONS) for _ in range(9)]
        yield from (call.result(20).text for call in calls)


def test_an_engine_that_threads_may_share_is_called_as_often_at_once_as_is_set() -> None:
    shared = Shared()
    engines = engines_of(shared, settings=Settings(engine_concurrency=3))
    assert list(_three_at_once(engines)) == ["你好"] * 9
    assert shared.most == 3
