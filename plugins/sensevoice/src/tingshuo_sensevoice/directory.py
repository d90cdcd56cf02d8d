"""A model directory as ModelScope hands it out, read without trusting it.

Files: `configuration.json` names the others in `file_path_metas`; `config.yaml` holds the architecture, `model.pt`
the weights, `am.mvn` the mean and variance of the features. FunASR 1.4.16 (`funasr/download/download_model_from_hub.py`
and `train_utils/load_pretrained_model.py`) goes on with random weights where a file or a tensor is missing, and
deep-copies the checkpoint; here everything missing is an error and fp32 weights are mapped from the file.
`model.py` and `requirements.txt` in the directory are never looked at.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from tingshuo import ModelError

#: What FunASR assumes where configuration.json says nothing.
DEFAULT_FILES = {"config": "config.yaml", "init_param": "model.pt", "frontend_conf.cmvn_file": "am.mvn"}
#: Keys under which trainers wrap a state dict.
_WRAPPERS = ("state_dict", "model_state_dict", "model")


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A directory and its parsed `config.yaml`."""

    path: Path
    files: Mapping[str, str]
    config: Mapping[str, Any]

    def file(self, key: str) -> Path:
        """The existing file that `key` (such as "init_param") means; never one outside the directory."""
        name = self.files.get(key)
        if not name:
            raise ModelError(f"{self.path}: configuration.json names no file for {key}")
        return _inside(self.path, name)

    def section(self, key: str) -> dict[str, Any]:
        """The mapping `key` of config.yaml, a copy; empty where it is absent."""
        value = self.config.get(key) or {}
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise ModelError(f"{self.file('config')}: {key} must be a mapping")
        return dict(value)

    def expect(self, key: str, *names: str) -> None:
        """Raise unless config.yaml says that `key` is one of `names`."""
        if self.config.get(key) not in names:
            raise ModelError(
                f"{self.file('config')}: {key} is {self.config.get(key)!r}; this plugin reads {' or '.join(names)}"
            )


def open_directory(path: Path) -> ModelDirectory:
    """Read configuration.json, where there is one, and config.yaml."""
    if not path.is_dir():
        raise ModelError(f"{path} is no directory")
    files = {**DEFAULT_FILES, **_bpe_model(path), **_file_metas(path)}
    found = _inside(path, files["config"])
    try:
        config = yaml.safe_load(found.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError(f"{found} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{found} holds no mapping")
    return ModelDirectory(path, files, config)


def _bpe_model(path: Path) -> dict[str, str]:
    found = sorted(path.glob("*.bpe.model"))
    return {"tokenizer_conf.bpemodel": found[0].name} if len(found) == 1 else {}


def _file_metas(path: Path) -> dict[str, str]:
    """`file_path_metas` of configuration.json with nested keys joined by dots."""
    place = path / "configuration.json"
    if not place.exists():
        return {}
    try:
        metas = json.loads(place.read_text("utf-8")).get("file_path_metas", {})
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{place} cannot be read: {error}") from error
    names: dict[str, str] = {}
    for key, value in metas.items() if isinstance(metas, dict) else ():
        names |= {f"{key}.{inner}": name for inner, name in value.items()} if isinstance(value, dict) else {key: value}
    wrong = [key for key, name in names.items() if not isinstance(name, str)]
    if wrong:
        raise ModelError(f"{place}: {wrong[0]} in file_path_metas must be a file name")
    return names


def _inside(directory: Path, name: str) -> Path:
    # Resolved before comparing: neither "..", an absolute name nor a symbolic link leads out.
    found = (directory / name).resolve()
    if not found.is_relative_to(directory.resolve()):
        raise ModelError(f"{directory}: {name!r} lies outside the model directory")
    if not found.is_file():
        raise ModelError(f"{directory}: the file {name} is missing")
    return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The finite float32 tensors of a checkpoint, by name. Half precision on disk is widened."""
    state: object = _unpickled(path)
    for key in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state:
        raise ModelError(f"{path} holds no state dict")
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ModelError(f"{path}: {name!r} is a {type(tensor).__name__}, not a tensor")
        tensors[name] = tensor.float() if tensor.is_floating_point() else tensor
        if not torch.isfinite(tensors[name]).all():
            raise ModelError(f"{path}: tensor {name} has values that are not finite")
    return tensors


def _unpickled(path: Path) -> object:
    # mmap lets worker processes share the pages; files older than torch 1.6's zip format cannot be mapped.
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{path} is no checkpoint of plain tensors: {first}") from error


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Put `tensors` into a module built on the meta device; raise where name, shape or type differ.

    The first difference of each kind is named, with the number of further ones.
    """
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in tensors]
    unexpected = [name for name in tensors if name not in wanted]
    for what, names in (("lacks tensor", missing), ("has an unexpected tensor", unexpected)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise ModelError(f"{path} {what} {names[0]}{more}")
    for name, tensor in wanted.items():
        if tensor.shape != tensors[name].shape:
            have, want = tuple(tensors[name].shape), tuple(tensor.shape)
            raise ModelError(f"{path}: tensor {name} is {have}; config.yaml asks for {want}")
        if tensor.dtype != tensors[name].dtype:
            raise ModelError(f"{path}: tensor {name} is of {tensors[name].dtype}; it must be of {tensor.dtype}")
    module.load_state_dict(dict(tensors), strict=True, assign=True)
    return module.eval().requires_grad_(False)
