"""An engine in a process of its own is an engine like any other."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from tingshuo import Audio, Emotion, Settings, TranscribeOptions, Transcript, Utterance, progress
from tingshuo.engine import Recognizer, Synthesizer
from tingshuo.engines import Engines, EngineStatus
from tingshuo.errors import EngineFailed, InvalidRequest, UnknownVoice
from tingshuo.isolation import Isolated
from tingshuo.plugins import load_plugins
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, check_recognizer, check_synthesizer
from tingshuo.types import VoiceActivity

OPTIONS = TranscribeOptions()


def row(engines: Engines, name: str) -> EngineStatus:
    return next(row for row in engines.status() if row.name == name)


def test_isolated_engines_keep_the_promises_of_engines(engines: Engines) -> None:
    speaker, listener = engines.synthesizer("tones"), engines.recognizer("ears")
    assert isinstance(speaker, Isolated)
    assert isinstance(listener, Isolated)
    check_synthesizer(speaker)
    check_recognizer(listener)


def test_what_an_engine_declares_is_known_without_a_process(make: Callable[..., Engines]) -> None:
    engines = make("wild", "ears")
    wild, ears = engines.synthesizer("wild"), engines.recognizer("ears")
    assert isinstance(wild, Synthesizer)
    assert (wild.name, wild.kind, wild.version, wild.extra_keys) == ("wild", "synthesizer", "1", frozenset({"pause"}))
    assert (wild.sample_rate, wild.thread_safe, ears.thread_safe) == (16_000, True, True)
    assert [voice.name for voice in wild.voices()] == ["high", "low"]
    assert isinstance(ears, Recognizer)
    assert (ears.languages, ears.sample_rate) == (("zh", "en"), 16_000)
    assert (row(engines, "wild").state, row(engines, "wild").memory_bytes) == ("not_loaded", None)
    assert not isinstance(engines.synthesizer("tones"), Isolated)


def test_sound_and_words_cross_unchanged(engines: Engines) -> None:
    utterance = Utterance("听说 hello，2024！", "high", Emotion.SAD, extra={"pause": 0.5})
    audio = engines.synthesize(utterance, "tones")
    here = ToneSynthesizer().synthesize(utterance)
    np.testing.assert_array_equal(audio.samples, here.samples)
    assert audio.samples.flags.writeable
    assert engines.transcribe(audio, OPTIONS) == ToneRecognizer().transcribe(here, OPTIONS)


def test_ten_minutes_of_sound_cross(engines: Engines) -> None:
    rng = np.random.default_rng(0)
    long = Audio(rng.integers(-1, 2, 600 * 16_000, np.int8).astype(np.float32) * np.float32(1e-3), 16_000)
    heard = engines.transcribe(long, OPTIONS)
    assert (heard.duration, heard.text) == (600.0, "")


def test_streams_cross_piece_by_piece(engines: Engines) -> None:
    pieces = list(engines.synthesize_stream(Utterance("你好，世界", ""), "tones"))
    here = list(ToneSynthesizer().synthesize_stream(Utterance("你好，世界", "high")))
    assert [len(piece.samples) for piece in pieces] == [len(piece.samples) for piece in here]
    np.testing.assert_array_equal(pieces[1].samples, here[1].samples)
    whole: list[Transcript] = []

    def collect() -> object:
        whole.append((yield from engines.transcribe_stream(Audio(here[1].samples, 16_000), OPTIONS)))

    segments = list(collect())  # type: ignore[call-overload]
    assert whole[0].segments == tuple(segments)


def test_stretches_of_speech_cross(engines: Engines) -> None:
    sound = Audio(np.zeros(32_000, np.float32), 16_000)
    assert engines.recognizer("ears").finds_speech
    assert list(engines.find_speech(sound, VoiceActivity(silence=0.25))) == [(1.25, 2.0)]


def test_progress_crosses_and_stays_with_its_call(engines: Engines) -> None:
    told: list[float] = []
    sound = Audio(np.zeros(32_000, np.float32), 16_000)
    with progress.within(told.append):
        engines.transcribe(sound, OPTIONS)
    assert told == [0.25, 1.0]
    engines.transcribe(sound, OPTIONS)  # nobody listens
    assert told == [0.25, 1.0]


def test_errors_cross_with_their_class_and_field(engines: Engines) -> None:
    with pytest.raises(InvalidRequest, match="cannot say that") as refused:
        engines.synthesize(Utterance("refuse", ""), "wild")
    assert refused.value.param == "input"
    for word, reason in (("raise", "ZeroDivisionError: at line 7"), ("leave", "SystemExit: 4")):
        with pytest.raises(EngineFailed, match=f"wild failed: {reason}") as failed:
            engines.synthesize(Utterance(word, ""), "wild")
        assert type(failed.value) is EngineFailed
    with pytest.raises(UnknownVoice):  # found here, before anything is sent
        engines.synthesize(Utterance("hello", "nobody"), "wild")


def test_unloading_ends_the_process_and_the_next_request_starts_one(make: Callable[..., Engines]) -> None:
    engines = make("wild")
    engines.load("wild")
    taken = row(engines, "wild").memory_bytes
    assert taken is None or taken > 10 * 2**20  # None where the system does not tell
    assert row(engines, "wild").loaded
    assert engines.unload("wild")
    assert (row(engines, "wild").loaded, row(engines, "wild").memory_bytes) == (False, None)
    assert engines.synthesize(Utterance("hello", ""), "wild").duration > 0


def test_isolation_of_an_engine_that_there_is_not_is_reported() -> None:
    point = EntryPoint("tones", "tingshuo.tones", "tingshuo")
    plugins = load_plugins(Settings(engine_isolation=("none", "tonse")), [point])
    [failure] = plugins.failures
    assert (failure.plugin, failure.reason) == (
        "tonse",
        "TINGSHUO_ENGINE_ISOLATION names it, but there is no such engine",
    )
    assert not any(isinstance(engine, Isolated) for engine in plugins.engines.values())
