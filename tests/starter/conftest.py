"""The scripts of `starter/`, imported by name as they import each other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

STARTER = Path(__file__).resolve().parents[2] / "starter"
FOLDERS = [STARTER / "sambert_hifigan", STARTER / "sensevoice"]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a script by name and forgets all of them afterwards: their names are everyday words."""
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if any((folder / f"{name}.py").exists() for folder in FOLDERS):
            del sys.modules[name]
