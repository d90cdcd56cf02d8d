# SPDX-License-Identifier: Apache-2.0
"""Kaldi's filter banks in torch, and SenseVoice's low frame rate: samples -> [T, 560] at 60 ms a row.

Equal to kaldi-native-fbank with dither 0, a Hamming window and snip_edges, as FunASR's WavFrontend calls it, within
0.001 on speech.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

FRAME = 400  # samples, 25 ms at 16 kHz
SHIFT = 160  # samples, 10 ms
FFT = 512
MELS = 80
LOWEST_HZ = 20.0
PREEMPHASIS = 0.97
INT16 = 32_768.0
STACK = 7  # frames in one row
STRIDE = 6  # frames from one row to the next
WIDTH = MELS * STACK


def _mel(hertz: Tensor | float) -> Tensor:
    return 1127.0 * torch.log1p(torch.as_tensor(hertz, dtype=torch.float64) / 700.0)


def mel_bank() -> Tensor:
    """Triangles on Kaldi's mel scale: [FFT / 2 + 1, MELS]."""
    low, high = _mel(LOWEST_HZ), _mel(8000.0)
    edges = low + (high - low) * torch.arange(MELS + 2, dtype=torch.float64) / (MELS + 1)
    bins = _mel(torch.arange(FFT // 2 + 1, dtype=torch.float64) * 16_000 / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = torch.minimum(rising, falling).clamp_min(0)
    bank[-1] = 0  # Kaldi leaves the Nyquist bin out
    return bank.float()


WINDOW = (0.54 - 0.46 * torch.cos(2 * math.pi * torch.arange(FRAME, dtype=torch.float64) / (FRAME - 1))).float()
BANK = mel_bank()


def fbank(samples: Tensor) -> Tensor:
    """Log mel energies [frames, MELS] of float samples in [-1, 1]; at least 400 samples."""
    frames = (samples * INT16).unfold(0, FRAME, SHIFT)
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    spectrum = torch.fft.rfft((frames - PREEMPHASIS * before) * WINDOW, n=FFT)
    power = spectrum.real.square() + spectrum.imag.square()
    energy: Tensor = power @ BANK
    return energy.clamp_min(torch.finfo(torch.float32).eps).log()


def stack(frames: Tensor, size: int = STACK, stride: int = STRIDE) -> Tensor:
    """Rows of `size` frames, one every `stride`; the first and last frames are repeated at the edges."""
    rows = math.ceil(len(frames) / stride)
    left = (size - 1) // 2
    last = (rows - 1) * stride + size - left - len(frames)
    padded = torch.cat([frames[:1].expand(left, -1), frames, frames[-1:].expand(max(last, 0), -1)])
    return padded.unfold(0, size, stride)[:rows].transpose(1, 2).reshape(rows, -1)


def features(samples: Tensor) -> Tensor:
    """[T, WIDTH] before mean and variance normalisation."""
    return stack(fbank(samples))
