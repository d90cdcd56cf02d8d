"""The starter voice that ships with the plugin, through the engine as it is used."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tingshuo import Emotion, Utterance
from tingshuo.settings import load_settings
from tingshuo_sambert_hifigan.engine import STARTER, SambertHifigan
from tingshuo_sambert_hifigan.report import check

TEXT = "今天的天气真不错，我们去公园吧。"
RATE = 16_000


@pytest.fixture(scope="module")
def starter() -> SambertHifigan:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINGSHUO_SAMBERT_HIFIGAN_MODEL", "starter")
        return SambertHifigan(load_settings())


def _f0(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Hz in every hundredth of a second that is clearly voiced: the highest peak of the autocorrelation."""
    x = samples.astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(x, 960)[::160] * np.hanning(960)
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    correlation = np.fft.irfft(power)[:, :400]
    correlation /= np.fft.irfft(np.abs(np.fft.rfft(np.hanning(960), 2048)) ** 2)[:400]
    lags = correlation[:, 60:340].argmax(1) + 60
    strength = correlation[np.arange(len(lags)), lags] / np.maximum(correlation[:, 0], 1e-9)
    hertz: npt.NDArray[np.float64] = RATE / lags[(strength > 0.7) & (frames.std(1) > 0.01)]
    return hertz


def _spoken(starter: SambertHifigan, emotion: Emotion, text: str = TEXT) -> npt.NDArray[np.float32]:
    audio = starter.synthesize(Utterance(text, "starter", emotion=emotion))
    assert audio.sample_rate == RATE
    return audio.samples


def test_the_starter_is_an_official_directory_without_a_fault() -> None:
    (voice,) = check(STARTER).voices
    assert voice.name == "starter"
    assert (voice.problem, voice.notes, voice.ignored_tensors) == ("", (), ())
    assert voice.variant == "non-causal vocoder NSF mean_std"
    assert set(voice.emotions) == set(Emotion)


def test_every_emotion_sounds_as_it_should(starter: SambertHifigan) -> None:
    spoken = {emotion: _spoken(starter, emotion) for emotion in Emotion}
    length = {emotion: len(samples) for emotion, samples in spoken.items()}
    level = {emotion: float(np.sqrt((samples**2).mean())) for emotion, samples in spoken.items()}
    f0 = {emotion: float(np.median(_f0(samples))) for emotion, samples in spoken.items()}
    # The relations of the prosody table that the voice learned from.
    assert length[Emotion.FEARFUL] < length[Emotion.HAPPY] < length[Emotion.NEUTRAL] < length[Emotion.SAD]
    assert length[Emotion.ANGRY] < length[Emotion.NEUTRAL] < length[Emotion.DISGUSTED]
    assert level[Emotion.SAD] < level[Emotion.NEUTRAL] < level[Emotion.ANGRY]
    assert f0[Emotion.SAD] < f0[Emotion.NEUTRAL] < f0[Emotion.HAPPY] < f0[Emotion.SURPRISED]
    assert f0[Emotion.DISGUSTED] < f0[Emotion.NEUTRAL] < f0[Emotion.FEARFUL]
    assert all(0.02 < value < 0.3 for value in level.values())


def test_it_reads_english_and_mixed_text(starter: SambertHifigan) -> None:
    english = _spoken(starter, Emotion.NEUTRAL, "I would like a cup of coffee.")
    mixed = _spoken(starter, Emotion.NEUTRAL, "请打开 email，谢谢。")
    for samples, seconds in ((english, 2.0), (mixed, 2.0)):
        assert len(samples) / RATE == pytest.approx(seconds, rel=0.5)
        assert float(np.abs(samples).max()) > 0.1


def test_half_and_double_tempo_stay_speech(starter: SambertHifigan) -> None:
    usual = _spoken(starter, Emotion.NEUTRAL)
    for speed in (0.5, 2.0):
        audio = starter.synthesize(Utterance(TEXT, "starter", speed=speed))
        assert len(audio.samples) == pytest.approx(len(usual) / speed, rel=0.1)
        level = float(np.sqrt((audio.samples**2).mean()))
        assert level == pytest.approx(float(np.sqrt((usual**2).mean())), rel=0.4)


def test_intensity_goes_from_neutral_to_beyond(starter: SambertHifigan) -> None:
    neutral = _spoken(starter, Emotion.NEUTRAL)
    none, half, double = (
        starter.synthesize(Utterance(TEXT, "starter", emotion=Emotion.SAD, intensity=intensity)).samples
        for intensity in (0.0, 0.5, 2.0)
    )
    assert np.array_equal(none, neutral)
    assert len(neutral) < len(half) < len(_spoken(starter, Emotion.SAD))
    assert len(double) > len(half)
    assert float(np.abs(double).max()) < 1


def test_what_is_streamed_is_what_is_spoken_at_once(starter: SambertHifigan) -> None:
    pieces = list(starter.synthesize_stream(Utterance(TEXT, "starter", emotion=Emotion.HAPPY)))
    assert len(pieces) > 2
    streamed = np.concatenate([piece.samples for piece in pieces])
    assert streamed == pytest.approx(_spoken(starter, Emotion.HAPPY), abs=1e-4)
