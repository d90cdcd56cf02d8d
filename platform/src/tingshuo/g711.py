"""G.711, the coding of telephone lines: bytes of mu-law or A-law -> samples. ITU-T G.711, tables 1a to 2b."""

from __future__ import annotations

import numpy as np

from tingshuo.types import Samples

#: Hz of a telephone line.
SAMPLE_RATE = 8_000


def _mu_law_table() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = (((mantissa << 3) + 132) << exponent) - 132
    return (np.where(code & 128, -magnitude, magnitude) / np.float32(32768)).astype(np.float32)


def _a_law_table() -> Samples:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = np.where(exponent, ((mantissa << 4) + 264) << np.maximum(exponent, 1) - 1, (mantissa << 4) + 8)
    return (np.where(code & 128, magnitude, -magnitude) / np.float32(32768)).astype(np.float32)


_TABLES = {"mu": _mu_law_table(), "a": _a_law_table()}


def decode_mu_law(data: bytes) -> Samples:
    """float32 `(n,)` in [-1, 1], a sample a byte."""
    return _TABLES["mu"][np.frombuffer(data, np.uint8)]


def decode_a_law(data: bytes) -> Samples:
    """float32 `(n,)` in [-1, 1], a sample a byte."""
    return _TABLES["a"][np.frombuffer(data, np.uint8)]
