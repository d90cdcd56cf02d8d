"""Noise taken away and loudness levelled, and what cannot be."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from tingshuo import Audio
from tingshuo.errors import InvalidRequest
from tingshuo.preprocessing import TARGET_LUFS, check, denoised, levelled, prepared
from tingshuo.types import Samples, TranscribeOptions

RATE = 16_000


def tone(seconds: float, amplitude: float) -> Samples:
    return (amplitude * np.sin(np.arange(int(seconds * RATE)) / 5)).astype(np.float32)


def power(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples)) + 1e-12))


def test_steady_noise_between_words_becomes_quieter_than_words_do() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, 4 * RATE).astype(np.float32)
    clip = noise.copy()
    syllables = np.square(np.sin(np.arange(RATE) * np.pi * 4 / RATE)).astype(np.float32)
    clip[RATE : 2 * RATE] += tone(1, 0.3) * syllables
    made = denoised(Audio(clip, RATE)).samples
    assert len(made) == len(clip)
    quieter = power(clip[3 * RATE :]) - power(made[3 * RATE :])
    assert quieter > 6
    assert quieter > power(clip[RATE : 2 * RATE]) - power(made[RATE : 2 * RATE]) + 3


@pytest.mark.parametrize("amplitude", [0.005, 0.9])
def test_speech_is_brought_to_one_level(amplitude: float) -> None:
    pyloudnorm = pytest.importorskip("pyloudnorm", reason="the extra preprocessing is not installed")
    made = levelled(Audio(tone(2, amplitude), RATE))
    loudness = pyloudnorm.Meter(RATE).integrated_loudness(made.samples.astype(np.float64))
    assert loudness == pytest.approx(TARGET_LUFS, abs=0.5)


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(500, np.float32), tone(0.1, 0.3)])
def test_silence_and_clicks_come_out_as_sound_of_the_same_length(samples: Samples) -> None:
    made = prepared(Audio(samples, RATE), TranscribeOptions(denoise=True, loudness=True))
    assert made.samples.shape == samples.shape
    assert made.samples.dtype == np.float32
    assert np.isfinite(made.samples).all()
    assert np.abs(made.samples).max() <= 1


def test_nothing_is_done_unless_it_is_asked_for() -> None:
    clip = Audio(tone(1, 0.3), RATE)
    assert prepared(clip, TranscribeOptions()) is clip


@pytest.mark.parametrize("field", ["denoise", "loudness"])
def test_without_the_extra_a_request_is_told_how_to_get_it(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidRequest, match="pip install") as error:
        check(TranscribeOptions(denoise=field == "denoise", loudness=field == "loudness"))
    assert error.value.param == field
    check(TranscribeOptions())
