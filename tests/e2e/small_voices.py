"""What the fixtures for small SAMBERT-HiFiGAN voices are, and where the parts of such a voice lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from tingshuo_sambert_hifigan.voice import LoadedVoice

Make: TypeAlias = Callable[..., Path]
Load: TypeAlias = Callable[..., LoadedVoice]
Edit: TypeAlias = Callable[[Path, Callable[[Any], object]], None]
Zip: TypeAlias = Callable[[Path, Path], None]
#: Parameters of a vocoder with a harmonic source.
NSF: dict[str, Any] = {"nsf_params": {"nb_harmonics": 7, "sampling_rate": 16_000}}
#: The checkpoints of the voice that `make_model` writes where no name is given.
AM, VOC = "voices/small/am/ckpt/checkpoint_100.pth", "voices/small/voc/ckpt/checkpoint_0.pth"
