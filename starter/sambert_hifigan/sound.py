# SPDX-License-Identifier: Apache-2.0
"""What the networks hear and make: log-mel frames, f0 with voicing, energy, all at 80 frames a second.

Frame t is centred on sample 200 t + 100. Mel filters after Slaney's Auditory Toolbox, as librosa has them by default;
f0 by YIN (de Cheveigne & Kawahara 2002) with the smoothest path through its candidates.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RATE, HOP, FFT, WINDOW, MELS, TOP = 16_000, 200, 2048, 1000, 80, 8000.0
REFERENCE_DB, RANGE_DB, LIMIT = 20.0, 100.0, 4.0
LOWEST, HIGHEST = 45.0, 260.0  # Hz
PERIODIC = 0.25  # YIN's aperiodicity below which a frame is voiced
QUIET = 2e-3  # root mean square below which nothing is voiced
SPAN = 360  # samples that YIN compares
CANDIDATES, LEAP = 160, 8.0  # f0 candidates of a frame; what a leap over all of them costs


def _to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4))


def _to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))


@lru_cache(maxsize=1)
def filters() -> Tensor:
    """[MELS, FFT / 2 + 1], each filter with an area of about one."""
    edges = _to_hz(np.linspace(0, _to_mel(np.array(TOP)), MELS + 2))
    bins = np.linspace(0, RATE / 2, FFT // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    shape = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return torch.from_numpy(shape.astype(np.float32))


def spectrum(samples: Tensor) -> Tensor:
    """Magnitudes [..., FFT / 2 + 1, T] of samples [..., T * HOP] in [-1, 1]."""
    padding = (FFT - HOP) // 2
    padded = torch.nn.functional.pad(samples, (padding, padding))
    window = torch.hann_window(WINDOW)
    found = torch.stft(padded, FFT, HOP, WINDOW, window, center=False, return_complex=True)
    return torch.sqrt(found.real.square() + found.imag.square() + 1e-12)


def log_mel(magnitudes: Tensor) -> Tensor:
    """[..., MELS, T] from -LIMIT (REFERENCE_DB - RANGE_DB and below) to LIMIT."""
    decibels = 20 * torch.log10((filters() @ magnitudes).clamp_min(1e-5)) - REFERENCE_DB
    return (2 * LIMIT * (decibels + RANGE_DB) / RANGE_DB - LIMIT).clamp(-LIMIT, LIMIT)


def energy(magnitudes: Tensor) -> Tensor:
    """[..., T]: the Euclidean norm of each frame's magnitudes."""
    return magnitudes.square().sum(-2).sqrt()


def pitch(samples: NDArray[np.float32], sonorous: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """F0 [T] in Hz, interpolated where there is no voice, and voicing [T], of samples [T * HOP].

    sonorous: the frames [T] of phones that are voiced. They are, unless they are silent: a glide at 60 Hz is too fast
    for any window to look periodic. Frames of other phones must look it.
    """
    difference, level = _differences(samples)
    count = len(difference)
    lags = RATE / np.geomspace(HIGHEST, LOWEST, CANDIDATES)
    below = np.floor(lags).astype(int)
    part = lags - below
    costs = np.minimum((1 - part) * difference[:, below] + part * difference[:, below + 1], 1.5)
    lag = _refined(difference, below[_smooth_path(costs)])
    depth = np.minimum.reduce([difference[np.arange(count), np.rint(lag).astype(int) + step] for step in (-1, 0, 1)])
    voiced = (sonorous | (depth < PERIODIC)) & (level > QUIET)
    near = np.pad(voiced, 1)
    voiced = (voiced & (near[:-2] | near[2:])) | (near[:-2] & near[2:])
    if not voiced.any():
        return np.full(count, 100.0, np.float32), np.zeros(count, np.float32)
    where = np.flatnonzero(voiced)
    f0 = np.interp(np.arange(count), where, RATE / lag[where])
    return f0.astype(np.float32), voiced.astype(np.float32)


def _differences(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """YIN's normalised difference of every lag, [T, lags], and each frame's root mean square."""
    longest = int(RATE / LOWEST) + 4
    size = SPAN + longest
    padded = np.pad(samples, ((size - HOP) // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP][: len(samples) // HOP].astype(np.float64)
    points = 1 << (size + SPAN - 1).bit_length()
    product = np.fft.rfft(frames, points) * np.conj(np.fft.rfft(frames[:, :SPAN], points))
    correlation = np.fft.irfft(product, points)[:, : longest + 1]
    squares = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    power = squares[:, SPAN : SPAN + longest + 1] - squares[:, : longest + 1]
    difference = np.maximum(power[:, :1] + power - 2 * correlation, 0)[:, 1:]
    mean = np.cumsum(difference, axis=1) / np.arange(1, longest + 1)
    normal = np.pad(difference / np.maximum(mean, 1e-9), ((0, 0), (1, 0)), constant_values=1.0)
    return normal, np.sqrt(power[:, 0] / SPAN)


def _smooth_path(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cheapest way [T] through costs [T, CANDIDATES], where every step costs what it leaps (Viterbi)."""
    steps = np.arange(CANDIDATES)
    leap = LEAP * np.abs(steps[:, None] - steps) / CANDIDATES
    best, back = costs[0], np.zeros(costs.shape, np.int64)
    for at in range(1, len(costs)):
        total = best + leap
        back[at] = total.argmin(1)
        best = total[steps, back[at]] + costs[at]
    path = np.empty(len(costs), np.int64)
    path[-1] = best.argmin()
    for at in range(len(costs) - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path


def _refined(difference: NDArray[np.float64], lag: NDArray[np.int64]) -> NDArray[np.float64]:
    """The lags [T] moved to the bottom of the dip they lie in, to a fraction of a sample."""
    rows = np.arange(len(lag))[:, None]
    around = lag[:, None] + np.arange(-4, 5)
    around = np.clip(around, 2, difference.shape[1] - 3)
    lag = around[rows[:, 0], difference[rows, around].argmin(1)]
    left, middle, right = (difference[rows[:, 0], lag + step] for step in (-1, 0, 1))
    bend = np.maximum(left - 2 * middle + right, 1e-9)
    return np.asarray(lag + np.clip(0.5 * (left - right) / bend, -0.5, 0.5), np.float64)
