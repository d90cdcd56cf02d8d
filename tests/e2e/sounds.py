"""Sound to write and read: tones of a known pitch, and files within limits that none of them meets."""

from __future__ import annotations

import io

import numpy as np

from tingshuo.audio import Limits, read_audio
from tingshuo.types import Audio

LIMITS = Limits(upload_bytes=10**7, seconds=60, decoded_bytes=10**8)


def tone(seconds: float = 0.5, sample_rate: int = 16_000, hertz: float = 220) -> Audio:
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return Audio((0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), sample_rate)


def read(data: bytes, limits: Limits = LIMITS) -> Audio:
    """The only channel of a file."""
    [(channel, audio)] = read_audio(io.BytesIO(data), limits)
    assert channel is None
    return audio
