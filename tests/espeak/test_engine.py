"""The eSpeak engine through the platform: voices, emotions, tempo, and errors that say what is wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tingshuo import Audio, Emotion, Utterance
from tingshuo.engines import Engines
from tingshuo.errors import UnknownVoice
from tingshuo.plugins import load_plugins
from tingshuo.settings import Settings
from tingshuo.testing import check_synthesizer, engines_of
from tingshuo_espeak.engine import VOICES, EspeakSynthesizer
from tingshuo_espeak.prosody import PROSODY

SENTENCE = "今天天气很好，我们去公园吧。"


@pytest.fixture
def engines() -> Engines:
    return engines_of(EspeakSynthesizer())


def say(**changes: object) -> Audio:
    return EspeakSynthesizer().synthesize(Utterance(**{"text": SENTENCE, "voice": "cmn", **changes}))  # type: ignore[arg-type]


def pitch(audio: Audio) -> float:
    """Median fundamental frequency in Hz, from the autocorrelation of loud frames."""
    found, size, rate = [], 2048, audio.sample_rate
    for start in range(0, len(audio.samples) - size, size // 2):
        frame = audio.samples[start : start + size]
        if np.abs(frame).max() > 0.05:
            spectrum = np.fft.rfft(frame - frame.mean(), 2 * size)
            likeness = np.fft.irfft(np.abs(spectrum) ** 2)[:size]
            lags = likeness[rate // 400 : rate // 55]
            if lags.max() > 0.5 * likeness[0]:
                found.append(rate / (rate // 400 + int(lags.argmax())))
    return float(np.median(found))


def level(audio: Audio) -> float:
    return float(np.sqrt(np.mean(audio.samples**2)))


def test_the_engine_keeps_its_promises() -> None:
    check_synthesizer(EspeakSynthesizer())


def test_the_platform_finds_the_installed_plugin() -> None:
    plugins = load_plugins(Settings(plugins=("espeak",)))
    assert not plugins.failures
    assert isinstance(plugins.engines["espeak"], EspeakSynthesizer)


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("cmn", "你好，世界。"),
        ("cmn+f2", "你好，世界。"),
        ("yue", "你好，世界。"),
        ("en", "Hello, world."),
        ("en-us", "Hello, world."),
        ("ja", "こんにちは。"),
        ("ko", "안녕하세요."),
    ],
)
def test_each_voice_speaks_its_language(voice: str, text: str) -> None:
    audio = say(voice=voice, text=text)
    assert 0.4 < audio.duration < 3
    assert level(audio) > 0.01


def test_every_emotion_of_the_platform_is_in_the_table() -> None:
    assert set(PROSODY) == set(Emotion)
    assert all(voice.emotions == tuple(Emotion) for voice in VOICES.values())


@pytest.mark.parametrize("emotion", [emotion for emotion in Emotion if emotion is not Emotion.NEUTRAL])
def test_an_emotion_changes_tempo_pitch_and_level_as_the_table_says(emotion: Emotion) -> None:
    neutral, felt, stronger = say(), say(emotion=emotion), say(emotion=emotion, intensity=2.0)
    wanted = PROSODY[emotion]
    assert felt.duration == pytest.approx(neutral.duration / wanted.tempo, rel=0.15)
    if abs(wanted.pitch) >= 3:
        assert np.sign(np.log(pitch(felt) / pitch(neutral))) == np.sign(wanted.pitch)
    if abs(wanted.volume - 1) >= 0.2:
        assert np.sign(level(felt) - level(neutral)) == np.sign(wanted.volume - 1)
    assert np.sign(stronger.duration - felt.duration) == np.sign(felt.duration - neutral.duration)


def test_intensity_zero_is_neutral() -> None:
    assert say(emotion=Emotion.ANGRY, intensity=0.0).duration == pytest.approx(say().duration, rel=0.01)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_is_a_factor_on_the_tempo(speed: float) -> None:
    assert say(speed=speed).duration == pytest.approx(say().duration / speed, rel=0.12)


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_a_speed_beyond_what_the_voice_can_do_is_its_nearest(speed: float) -> None:
    nearest = 80 / 175 if speed < 1 else 450 / 175
    assert say(speed=speed).duration == pytest.approx(say(speed=nearest).duration, rel=0.02)


def test_pitch_is_in_semitones() -> None:
    assert pitch(say(pitch=6.0)) / pitch(say()) == pytest.approx(2 ** (6 / 12), rel=0.1)


def test_volume_is_a_factor_on_the_amplitude() -> None:
    assert level(say(volume=0.5)) / level(say()) == pytest.approx(0.5, rel=0.1)


def test_a_text_of_marks_alone_is_a_moment_of_silence() -> None:
    assert len(say(text="\u200b").samples) >= 400


def test_requests_at_once_get_what_they_asked_for(engines: Engines) -> None:
    utterances = [Utterance(SENTENCE, "cmn", emotion) for emotion in Emotion] * 2
    alone = [engines.synthesize(one, "espeak").duration for one in utterances]
    with ThreadPoolExecutor(4) as pool:
        together = [audio.duration for audio in pool.map(lambda one: engines.synthesize(one, "espeak"), utterances)]
    assert together == pytest.approx(alone, rel=0.02)


def test_an_unknown_voice_is_refused_with_the_ones_there_are(engines: Engines) -> None:
    with pytest.raises(UnknownVoice, match="cmn"):
        engines.synthesize(Utterance(SENTENCE, "nobody"), "espeak")
