"""What may be done to audio before it is recognised, where a request asks for it: noise taken away, loudness levelled.

Both need the extra `tingshuo[preprocessing]` (noisereduce, pyloudnorm). Neither is free: gating takes some of the
speech with the noise, and one level for all speech takes away how loud somebody spoke, which is a part of emotion.
docs/preprocessing.md has what was measured.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

import numpy as np

from tingshuo.errors import InvalidRequest
from tingshuo.types import Audio, Samples, TranscribeOptions

#: LUFS, ITU-R BS.1770: what speech recordings are commonly levelled to (EBU R 128).
TARGET_LUFS = -23.0
#: LUFS below which there is nothing but silence: raising it would raise noise alone.
_SILENCE_LUFS = -70.0
#: Seconds of one measuring block; shorter audio has no loudness in the standard's sense.
_BLOCK_SECONDS = 0.4
#: Standard deviation of noise that is added before gating: on digital silence noisereduce divides by zero.
_DITHER = 1e-6
#: Share of the noise that is taken away: with all of it, speech between words is torn.
_SHARE = 0.8


def prepared(audio: Audio, options: TranscribeOptions) -> Audio:
    """The audio as `options` want it. Raises `InvalidRequest` where the extra is not installed."""
    if options.denoise:
        audio = denoised(audio)
    return levelled(audio) if options.loudness else audio


def check(options: TranscribeOptions) -> None:
    """Raise `InvalidRequest` where `options` want what is not installed."""
    for name, field, wanted in (
        ("noisereduce", "denoise", options.denoise),
        ("pyloudnorm", "loudness", options.loudness),
    ):
        if wanted and importlib.util.find_spec(name) is None:
            raise _missing(field)


def denoised(audio: Audio) -> Audio:
    """The audio with steady and slowly changing noise gated away in each band of frequencies (noisereduce)."""
    noisereduce = _library("noisereduce", "denoise")
    if not audio.samples.any():
        return audio
    dither = np.random.default_rng(0).normal(0, _DITHER, len(audio.samples)).astype(np.float32)
    cleaned = noisereduce.reduce_noise(
        y=audio.samples + dither, sr=audio.sample_rate, stationary=False, prop_decrease=_SHARE
    )
    return Audio(_limited(cleaned), audio.sample_rate)


def levelled(audio: Audio) -> Audio:
    """The audio at -23 LUFS, peaks limited; silence and clips below 0.4 s stay as they are."""
    meter = _library("pyloudnorm", "loudness").Meter(audio.sample_rate, block_size=_BLOCK_SECONDS)
    if audio.duration < _BLOCK_SECONDS or not audio.samples.any():
        return audio
    loudness = float(meter.integrated_loudness(audio.samples.astype(np.float64)))
    if not loudness > _SILENCE_LUFS:
        return audio
    return Audio(_limited(audio.samples * 10 ** ((TARGET_LUFS - loudness) / 20)), audio.sample_rate)


def _limited(samples: Samples) -> Samples:
    limited: Samples = np.clip(np.nan_to_num(samples), -1, 1).astype(np.float32)
    return limited


def _library(name: str, field: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise _missing(field) from None


def _missing(field: str) -> InvalidRequest:
    add = "pip install 'tingshuo[preprocessing]'"
    return InvalidRequest(f"{field} is not installed here; the operator adds it with: {add}", param=field)
