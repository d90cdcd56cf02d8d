"""The starter models that ship with the plugin hear a spoken sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import soxr

from tingshuo import Audio, TranscribeOptions, Utterance
from tingshuo.settings import load_settings
from tingshuo.types import VoiceActivity
from tingshuo_sensevoice.engine import SenseVoice


@pytest.fixture
def starter(make_engine: Callable[..., SenseVoice]) -> SenseVoice:
    return make_engine(model="starter", vad_model="starter")


def test_the_starter_is_told_apart_from_the_official_model(starter: SenseVoice) -> None:
    assert starter.model().origin == starter.vad_model().origin == "starter"


def test_silence_around_nothing_stays_silent(starter: SenseVoice, audio: Callable[..., Audio]) -> None:
    assert starter.transcribe(audio(3.0), TranscribeOptions()).segments == ()


@pytest.mark.parametrize(("language", "text"), [("zh", "今天天气很好，我们去公园。"), ("en", "I like this book.")])
def test_a_spoken_sentence_is_heard_where_it_is(
    language: str, text: str, starter: SenseVoice, audio: Callable[..., Audio]
) -> None:
    espeak = pytest.importorskip("tingshuo_espeak", reason="the eSpeak plugin is not installed")
    (voice_engine,) = espeak.register_engines(load_settings())
    voice = next(voice for voice in voice_engine.voices() if language in voice.languages)
    voice_engine.load()
    spoken = voice_engine.synthesize(Utterance(text, voice.name))
    samples = soxr.resample(spoken.samples, spoken.sample_rate, 16000).astype("float32")
    clip = audio(1.0, samples, 1.0)
    transcript = starter.transcribe(clip, TranscribeOptions(words=True))
    assert transcript.text
    assert transcript.language == language
    assert 0.5 <= transcript.segments[0].start <= 1.6
    assert transcript.segments[-1].end <= clip.duration


@pytest.mark.parametrize(("silence", "stretches"), [(0.4, 2), (1.5, 1)])
def test_where_speech_ends_is_told_by_the_silence_asked_for(
    silence: float, stretches: int, starter: SenseVoice, audio: Callable[..., Audio]
) -> None:
    espeak = pytest.importorskip("tingshuo_espeak", reason="the eSpeak plugin is not installed")
    (voice_engine,) = espeak.register_engines(load_settings())
    voice_engine.load()
    spoken = voice_engine.synthesize(Utterance("今天天气很好。", "cmn"))
    samples = soxr.resample(spoken.samples, spoken.sample_rate, 16000).astype("float32")
    clip = audio(0.5, samples, 0.6, samples, 2.0)
    found = starter.find_speech(clip, VoiceActivity(threshold=0.5, silence=silence))
    assert len(found) == stretches
    assert found[-1][1] < clip.duration - 1
    assert starter.find_speech(audio(0.5, samples), VoiceActivity(silence=silence))[-1][1] > 0.5 + len(samples) / 20000
