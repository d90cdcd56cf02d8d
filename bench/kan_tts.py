"""KAN-TTS, the reference implementation, from a checkout of its own, on a model directory of the official layout.

It was written for older libraries. What it only imports for training or for its closed front end is replaced by empty
modules, and names that have moved since are put back; nothing that computes is touched.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

Floats = npt.NDArray[np.float32]


class _Empty(ModuleType):
    """A module in which every name is an empty class."""

    __path__: list[str] = []  # noqa: RUF012 - what makes a module a package

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda *_, **__: None})


def _prepare(checkout: Path) -> None:
    for name in ("ttsfrd", "pytorch_wavelets", "unidecode", "inflect"):
        sys.modules[name] = _Empty(name)
    sys.modules["unidecode"].unidecode = str  # type: ignore[attr-defined]
    signal, windows = importlib.import_module("scipy.signal"), importlib.import_module("scipy.signal.windows")
    signal.kaiser = windows.kaiser  # type: ignore[attr-defined]
    sys.path.insert(0, str(checkout))
    warnings.simplefilter("ignore", FutureWarning)


class KanTts:
    """A voice as `kantts/bin/infer_{sambert,hifigan}.py` of the checkout would speak it."""

    def __init__(self, checkout: Path, voice: Path) -> None:
        _prepare(checkout)
        units = importlib.import_module("kantts.utils.ling_unit.ling_unit")
        acoustic = yaml.safe_load((voice / "am" / "config.yaml").read_text("utf-8"))
        vocoder = yaml.safe_load((voice / "voc" / "config.yaml").read_text("utf-8"))
        self.units = units.KanTtsLinguisticUnit(acoustic)
        params = acoustic["Model"]["KanTtsSAMBERT"]["params"] | self.units.get_unit_size()
        self.acoustic = importlib.import_module("kantts.models.sambert.kantts_sambert").KanTtsSAMBERT(params).eval()
        self.acoustic.load_state_dict(_state(voice / "am")["model"], strict=False)
        generator = importlib.import_module("kantts.models.hifigan.hifigan").Generator
        self.vocoder = generator(**vocoder["Model"]["Generator"]["params"]).eval()
        self.vocoder.load_state_dict(_state(voice / "voc")["model"]["generator"])
        with redirect_stdout(StringIO()):
            self.vocoder.remove_weight_norm()

    @torch.inference_mode()
    def mel(self, symbols: str) -> torch.Tensor:
        """Mel frames [1, M, T] of a symbol line."""
        features = [torch.from_numpy(ids).long()[None, :-1] for ids in self.units.encode_symbol_sequence(symbols)]
        text, (emotion, speaker) = torch.stack(features[:-2], dim=-1), features[-2:]
        found = self.acoustic(text, emotion, speaker, torch.tensor([emotion.shape[1]]))
        frames = int(found["LR_length_rounded"][0])
        mel: torch.Tensor = found["postnet_outputs"][:, :frames].transpose(1, 2)
        return mel

    @torch.inference_mode()
    def samples(self, mel: torch.Tensor) -> Floats:
        """Samples [L] of mel frames [1, M, T]."""
        found: Floats = self.vocoder(mel).view(-1).numpy()
        return found

    def speak(self, lines: Sequence[str]) -> Floats:
        """All samples of symbol lines, one line after the other."""
        return np.concatenate([self.samples(self.mel(line)) for line in lines])


def _state(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "ckpt").glob("*.pth")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def voice_folder(model: Path) -> Path:
    """The folder of a model directory's first voice."""
    names = json.loads((model / "voices" / "voices.json").read_text("utf-8"))["voices"]
    return model / "voices" / str(names[0])
