"""Directories and engines that the tests of the SenseVoice plugin share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tingshuo import Audio
from tingshuo.settings import load_settings
from tingshuo.types import Samples
from tingshuo_sensevoice.engine import STARTER, SenseVoice
from tingshuo_sensevoice.model import AcousticModel, load_acoustic_model
from tingshuo_sensevoice.testing import write_sensevoice, write_vad

RATE = 16000


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small random models: `asr` and `vad`."""
    root = tmp_path_factory.mktemp("models")
    write_sensevoice(root / "asr")
    write_vad(root / "vad")
    return root


@pytest.fixture
def broken(folders: Path, tmp_path: Path) -> Path:
    """A copy of the models that a test may damage."""
    return Path(shutil.copytree(folders, tmp_path / "broken"))


@pytest.fixture(scope="session")
def acoustic(folders: Path) -> AcousticModel:
    return load_acoustic_model(folders / "asr")


@pytest.fixture
def make_engine(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SenseVoice]:
    """An engine with the small models, or with `folder`'s, and further settings."""

    def make(folder: Path | None = None, **settings: str) -> SenseVoice:
        place = folder or folders
        for key, value in {"model": str(place / "asr"), "vad_model": str(place / "vad"), **settings}.items():
            monkeypatch.setenv(f"TINGSHUO_SENSEVOICE_{key.upper()}", value)
        monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "cache"))
        return SenseVoice(load_settings(data_dir=tmp_path / "data"))

    return make


@pytest.fixture
def starter(make_engine: Callable[..., SenseVoice]) -> SenseVoice:
    """An engine with the models that ship with the plugin."""
    if not all((STARTER / name / "model.pt").is_file() for name in ("SenseVoiceSmall", "fsmn-vad")):
        pytest.skip("this checkout has no starter models")
    return make_engine(model="starter", vad_model="starter")


@pytest.fixture
def engine(make_engine: Callable[..., SenseVoice]) -> Iterator[SenseVoice]:
    """A loaded engine."""
    made = make_engine()
    made.load()
    yield made
    made.close()


@pytest.fixture(scope="session")
def audio() -> Callable[..., Audio]:
    """Audio of the given parts: arrays of samples, or seconds of silence."""

    def join(*parts: Samples | float) -> Audio:
        arrays = [np.zeros(round(part * RATE), np.float32) if isinstance(part, int | float) else part for part in parts]
        return Audio(np.concatenate(arrays).astype(np.float32), RATE)

    return join
