"""FunASR's classes, without what importing and building them does to the process.

Read in funasr 1.4.16: `import funasr` walks and imports all of its sub-modules (4 to 10 s, 390 MB, 33 of them fail
unseen); modules print to stdout when ffmpeg is missing; HYDRA_FULL_ERROR is set in the environment.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import pkgutil
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

log = logging.getLogger(__name__)

_IMPORTING = threading.Lock()


def funasr_module(name: str) -> ModuleType:
    """The module `funasr.<name>` alone, with what it needs itself."""
    with _IMPORTING, undisturbed(), _no_walk_through("funasr."):
        return importlib.import_module(f"funasr.{name}")


class Frontend(Protocol):
    """What is used of `funasr.frontends.wav_frontend.WavFrontend` and `WavFrontendOnline`.

    Times in milliseconds; `cmvn` is [2, F]: what is added to, then multiplied with, the F features of a frame.
    """

    fs: int
    frame_length: int
    frame_shift: int
    lfr_n: int
    cmvn: Tensor

    def output_size(self) -> int: ...
    def __call__(self, samples: Tensor, lengths: object, **state: object) -> tuple[Tensor, Tensor]: ...


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keep random generators, root logging, warning filters, environment and stdout as they are meanwhile."""
    root = logging.getLogger()
    level, installed = root.level, list(root.handlers)
    environment = dict(os.environ)
    python_random, numpy_random = random.getstate(), np.random.get_state()
    printed = io.StringIO()
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), contextlib.redirect_stdout(printed):
            yield
    finally:
        random.setstate(python_random)
        np.random.set_state(numpy_random)
        if root.level != level:
            root.setLevel(level)
        root.handlers[:] = installed
        for key in os.environ.keys() - environment.keys():
            del os.environ[key]
        if printed.getvalue().strip():
            log.debug("funasr printed: %s", printed.getvalue().strip())


@contextlib.contextmanager
def _no_walk_through(package: str) -> Iterator[None]:
    # funasr/__init__.py asks pkgutil for everything below itself; told that there is nothing, it imports nothing.
    # Walks through other packages, in other threads, are left alone.
    walk = pkgutil.walk_packages

    def walk_others(*arguments: Any, **named: Any) -> Iterator[pkgutil.ModuleInfo]:  # noqa: ANN401 - passed on
        prefix = named["prefix"] if "prefix" in named else (*arguments, None, "")[1]
        return iter(()) if prefix == package else walk(*arguments, **named)

    if "funasr" in sys.modules:
        yield
        return
    pkgutil.walk_packages = walk_others
    try:
        yield
    finally:
        pkgutil.walk_packages = walk


def silence_prints(module: ModuleType) -> None:
    """Send what a FunASR module prints while it works to the log: standard output belongs to the caller."""

    def to_log(*words: object, **_: object) -> None:
        log.debug("%s: %s", module.__name__, " ".join(map(str, words)).strip())

    vars(module)["print"] = to_log
