"""Sound on the wire: the bytes of a chunk -> samples, and samples -> the chunks that are sent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tingshuo.errors import InvalidAudio
from tingshuo.types import Audio, Samples

#: Seconds of one chunk that is sent.
CHUNK_SECONDS = 0.1
#: Full scale of samples by their width in bytes.
_TYPES = {1: ("u1", 128.0), 2: ("<i2", 2.0**15), 4: ("<i4", 2.0**31)}


def samples_of(data: bytes, width: object, channels: object) -> Samples:
    """float32 `(n,)` of a chunk's interleaved samples, the mean of their channels. Raises `InvalidAudio`.

    `width` is the bytes of a sample: unsigned for 1, signed for 2 and 4.
    """
    # The package hands on whatever JSON holds.
    if not isinstance(width, int) or not isinstance(channels, int):
        raise InvalidAudio(f"width and channels are {str(width)[:20]} and {str(channels)[:20]}; they must be integers")
    if width not in _TYPES or channels not in range(1, 9) or len(data) % (width * channels):
        raise InvalidAudio(f"a chunk has {len(data)} bytes of {channels} channels and {width} bytes a sample")
    kind, full_scale = _TYPES[width]
    values = np.frombuffer(data, kind).astype(np.float32).reshape(-1, channels).mean(axis=1)
    middle = np.float32(128 if width == 1 else 0)
    scaled: Samples = ((values - middle) / np.float32(full_scale)).astype(np.float32)
    return scaled


def chunks_of(audio: Audio) -> Iterator[bytes]:
    """The sound as 16-bit mono, `CHUNK_SECONDS` at a time."""
    samples = (np.clip(audio.samples, -1, 1) * 32767).astype("<i2")
    step = max(1, round(CHUNK_SECONDS * audio.sample_rate))
    for start in range(0, len(samples), step):
        yield samples[start : start + step].tobytes()
