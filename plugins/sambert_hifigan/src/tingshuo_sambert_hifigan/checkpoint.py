"""Tensors of a checkpoint, read without running what a pickle says, and put into a module.

Weight norm (Salimans & Kingma 2016) is folded: w = g * v / |v|, the norm over every dimension but the first.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tingshuo import ModelError
from tingshuo_sambert_hifigan.files import Files

Module = TypeVar("Module", bound=nn.Module)

#: Endings of magnitude and direction: torch's first weight norm, and the parametrization that follows it.
_NORMED = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))


def read_tensors(files: Files, name: str, paths: Sequence[Sequence[str]]) -> dict[str, Tensor]:
    """The float32 and integer tensors under the first of the key `paths` that the checkpoint has.

    Raises `ModelError` naming the file, and the tensor where one is at fault.
    """
    place = files.label(name)
    state = _unpickled(files, name)
    found = next((inner for inner in (_under(state, path) for path in paths) if isinstance(inner, Mapping)), None)
    if found is None or not found:
        wanted = " or ".join("/".join(path) for path in paths)
        raise ModelError(f"{place} holds no tensors under {wanted}")
    tensors: dict[str, Tensor] = {}
    for key, tensor in found.items():
        if not isinstance(key, str) or not isinstance(tensor, Tensor):
            raise ModelError(f"{place}: {key!r} is a {type(tensor).__name__}, not a tensor")
        tensors[key] = tensor.float() if tensor.is_floating_point() else tensor
        if not torch.isfinite(tensors[key]).all():
            raise ModelError(f"{place}: tensor {key} has values that are not finite")
    return tensors


def _under(state: object, path: Sequence[str]) -> object:
    for key in path:
        state = state.get(key) if isinstance(state, Mapping) else None
    return state


def _unpickled(files: Files, name: str) -> object:
    source = files.weights(name)
    # Mapped, a training checkpoint's optimizer and discriminators cost no memory; an old format cannot be mapped.
    mapped = not isinstance(source, io.IOBase) and zipfile.is_zipfile(source)
    try:
        with warnings.catch_warnings():
            # torch warns of pickles that it did not write, and then refuses those that hold more than tensors.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"{files.label(name)} is no checkpoint of plain tensors: {first}") from error


def read_array(files: Files, name: str) -> npt.NDArray[np.floating[Any]]:
    """An .npy file of floating-point numbers in their own precision; raises `ModelError` naming it."""
    try:
        array = np.load(io.BytesIO(files.read(name)), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelError(f"{files.label(name)} is no array of numbers: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ModelError(f"{files.label(name)} holds no floating-point numbers")
    if not np.isfinite(array).all():
        raise ModelError(f"{files.label(name)} has values that are not finite")
    return array


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with each weight-normed pair replaced by the weight it stands for."""
    plain = dict(tensors)
    for magnitude, direction in _NORMED:
        for key in [key for key in plain if key.endswith(magnitude)]:
            stem = key.removesuffix(magnitude)
            if stem + direction in plain:
                g, v = plain.pop(key), plain.pop(stem + direction)
                lengths = v.flatten(1).norm(dim=1).view(-1, *[1] * (v.ndim - 1))
                plain[f"{stem}.weight"] = v * (g.view_as(lengths) / lengths) if g.numel() == len(v) else v
    return plain


def fill(module: Module, tensors: Mapping[str, Tensor], place: str) -> Module:
    """Put `tensors` into a module built on the meta device, ready for inference.

    Tensors it has no place for are left out. Raises `ModelError` naming `place` and the tensor that is missing or of
    another shape than the configuration asks for.
    """
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{place} lacks tensor {missing[0]}{more}")
    for name, tensor in wanted.items():
        if tensor.shape != tensors[name].shape:
            have, want = tuple(tensors[name].shape), tuple(tensor.shape)
            raise ModelError(f"{place}: tensor {name} is {have}; the configuration asks for {want}")
    # Copied: a mapped file must neither stay open nor change under a running voice.
    module.load_state_dict({name: tensors[name].clone() for name in wanted}, strict=True, assign=True)
    return module.eval().requires_grad_(False)


def surplus(module: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that `fill` leaves out."""
    wanted = module.state_dict()
    return sorted(name for name in tensors if name not in wanted)
