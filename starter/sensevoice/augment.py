# SPDX-License-Identifier: Apache-2.0
"""What happens to clean speech before training: level, colour, room, noise, music, applause.

Everything works on a padded batch of waveforms at once. Music and applause are made here, by rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

RATE = 16_000
NONE, MUSIC, APPLAUSE = 0, 1, 2
CLIP_SECONDS = 10


def music(rng: np.random.Generator, seconds: float = CLIP_SECONDS) -> NDArray[np.float32]:
    """Notes of a scale over chords and a beat, at a level of about -20 dBFS."""
    n = int(seconds * RATE)
    out = np.zeros(n + 2 * RATE, np.float32)
    root, beat = 110 * 2 ** (rng.integers(0, 12) / 12), rng.uniform(0.2, 0.6)
    scale = np.array([0, 2, 4, 7, 9] if rng.random() < 0.6 else [0, 2, 3, 5, 7, 8, 10])
    harmonics = np.concatenate([[1.0], rng.uniform(0, 0.8, rng.integers(1, 8))])
    decay = rng.uniform(1.0, 6.0)
    for start in np.arange(0, seconds, beat):
        notes = [rng.choice(scale) + 12 * rng.integers(0, 3) for _ in range(rng.integers(1, 4))]
        length = beat * rng.choice([1, 2, 4])
        t = np.arange(int(min(length, 2.0) * RATE)) / RATE
        envelope = np.minimum(t / 0.01, 1) * np.exp(-decay * t)
        for note in notes:
            frequency = root * 2 ** (note / 12)
            tone = sum(a * np.sin(2 * math.pi * frequency * (k + 1) * t) for k, a in enumerate(harmonics))
            at = int(start * RATE)
            out[at : at + len(t)] += (envelope * tone).astype(np.float32)
        if rng.random() < 0.5:
            drum = rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
            at = int(start * RATE)
            out[at : at + 2000] += 0.5 * drum.astype(np.float32)
    return _levelled(out[:n])


def applause(rng: np.random.Generator, seconds: float = CLIP_SECONDS) -> NDArray[np.float32]:
    """Many hands: short band-passed bursts at random times, at a level of about -20 dBFS."""
    n = int(seconds * RATE)
    out = np.zeros(n, np.float32)
    people = rng.integers(4, 60)
    for _ in range(people):
        rate, colour = rng.uniform(2.5, 5.5), rng.uniform(0.0, 0.85)
        length = int(rng.uniform(0.008, 0.03) * RATE)
        clap = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
        clap[1:] -= colour * clap[:-1]
        times = np.cumsum(rng.normal(1 / rate, 0.03 / rate, int(seconds * rate * 0.9))) + rng.uniform(0, 1 / rate)
        for at in (times * RATE).astype(int):
            if 0 <= at < n - length:
                out[at : at + length] += (rng.uniform(0.5, 1) * clap).astype(np.float32)
    return _levelled(out)


def _levelled(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return (0.1 * samples / max(1e-6, float(np.sqrt(np.mean(samples**2))))).astype(np.float32)


@dataclass
class Sounds:
    """A stock of music and applause to mix in."""

    clips: dict[int, torch.Tensor]

    @classmethod
    def made(cls, count: int, seed: int) -> Sounds:
        """`count` clips of each kind."""
        rng = np.random.default_rng(seed)
        both = {MUSIC: [music(rng) for _ in range(count)], APPLAUSE: [applause(rng) for _ in range(count)]}
        return cls({kind: torch.from_numpy(np.stack(clips)) for kind, clips in both.items()})

    def draw(self, kind: int, length: int, rng: np.random.Generator) -> torch.Tensor:
        """`length` samples of a random clip, from a random place, repeated if needed."""
        clip = self.clips[kind][rng.integers(len(self.clips[kind]))]
        start = int(rng.integers(len(clip)))
        return torch.cat([clip[start:], clip, clip])[:length]


def coloured(waves: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Each clip [B, N] through its own random equaliser, band limit and room."""
    n = waves.shape[1] + 4000
    spectrum = torch.fft.rfft(waves, n)
    hz = np.linspace(0, RATE / 2, spectrum.shape[1])
    gains = np.ones((len(waves), len(hz)), np.complex64)
    for row in gains:
        if rng.random() < 0.5:
            points = rng.uniform(-6, 6, 8)
            row *= 10 ** (np.interp(hz, np.linspace(0, 8000, 8), points) / 20)
        if rng.random() < 0.15:
            low, high = rng.uniform(100, 350), rng.uniform(3300, 6000)
            row *= 1 / (1 + (low / np.maximum(hz, 1)) ** 8) / (1 + (hz / high) ** 16)
        if rng.random() < 0.2:
            length = int(rng.uniform(0.05, 0.25) * RATE)
            tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
            tail *= rng.uniform(0.1, 0.5) / np.sqrt(np.sum(tail**2))
            row *= 1 + np.fft.rfft(tail, n)[: len(hz)]
    heard: torch.Tensor = torch.fft.irfft(spectrum * torch.from_numpy(gains), n)
    return heard[:, : waves.shape[1]]


def noise(shape: tuple[int, int], rng: np.random.Generator) -> torch.Tensor:
    """White to brown noise, [B, N], level 1."""
    white = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    spectrum = torch.fft.rfft(white)
    slope = torch.from_numpy(rng.uniform(0, 1, (shape[0], 1)).astype(np.float32))
    shaped: torch.Tensor = torch.fft.irfft(spectrum * torch.arange(1, spectrum.shape[1] + 1) ** -slope, shape[1])
    level: torch.Tensor = shaped.square().mean(1, keepdim=True).sqrt()
    return shaped / level
