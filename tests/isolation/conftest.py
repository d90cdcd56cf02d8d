"""Engines of `wild_engines.py`, in this process or in others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TypeAlias

import pytest

from tingshuo import Settings
from tingshuo.engines import Engines
from tingshuo.plugins import load_plugins

Make: TypeAlias = Callable[..., Engines]
Until: TypeAlias = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="session")
def make() -> Iterator[Make]:
    """Engines, those named in processes of their own (all for none named)."""
    made: list[Engines] = []

    def engines(*isolated: str) -> Engines:
        settings = Settings(engine_isolation=isolated or ("process",), engine_concurrency=2)
        point = EntryPoint("wild", "wild_engines", "tingshuo")
        made.append(Engines(settings, load_plugins(settings, [point])))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield engines
        for one in made:
            one.close()


@pytest.fixture(scope="session")
def engines(make: Make) -> Engines:
    """All engines in processes of their own; shared by tests that leave them working."""
    return make()


@pytest.fixture(scope="session")
def until() -> Until:
    """Wait until a condition holds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return wait
