"""The command line as a user runs it: in a process of its own, or in this one where that says as much."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from typer.testing import CliRunner, Result

HERE = Path(__file__).parent
Invoke: TypeAlias = Callable[..., Result]
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]
Wav: TypeAlias = Callable[..., Path]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path that makes `fake_engines` an installed plugin."""
    folder = tmp_path_factory.mktemp("plugin")
    info = folder / "tingshuo_fakes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tingshuo-fakes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tingshuo]\nfakes = fake_engines\n")
    (folder / "fake_engines.py").write_bytes((HERE / "fake_engines.py").read_bytes())
    return folder


@pytest.fixture
def environment(tmp_path: Path, plugin: Path) -> dict[str, str]:
    """Variables of a fresh installation with the fake engines alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINGSHUO_", "MODELSCOPE_"))}
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "TINGSHUO_DATA_DIR": str(tmp_path / "data"),
        "TINGSHUO_PLUGINS": "fakes",
        "MODELSCOPE_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(plugin),
        "PYTHONWARNINGS": "error::DeprecationWarning:tingshuo",
    }


@pytest.fixture
def invoke(environment: dict[str, str], plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    """Call the command line in this process."""
    from tingshuo.cli import app

    for name in [name for name in os.environ if name.startswith(("TINGSHUO_", "MODELSCOPE_"))]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(plugin))

    def call(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    yield call
    _close_databases(environment)


def _close_databases(environment: Mapping[str, str]) -> None:
    from tingshuo import db
    from tingshuo.settings import load_settings

    db.dispose(load_settings(data_dir=environment["TINGSHUO_DATA_DIR"]))


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run the command line in a process of its own."""

    def call(*arguments: str | Path | bytes, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "tingshuo", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=300, env={**environment, **more})

    return call


@pytest.fixture
def wav() -> Wav:
    """Write a recording of so many seconds."""

    def write(path: Path, seconds: float = 0.5, channels: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = (np.sin(np.arange(int(seconds * 8_000)) * 0.3) * 8_000).astype("<i2").repeat(channels)
        with path.open("wb") as stream, wave.open(stream, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(8_000)
            file.writeframes(samples.tobytes())
        return path

    return write


@pytest.fixture
def jobs(environment: dict[str, str]) -> Callable[[], list[Any]]:
    """Read the job history: (kind, status, caller, input_name, engine), the oldest first."""

    def read() -> list[Any]:
        connection = sqlite3.connect(Path(environment["TINGSHUO_DATA_DIR"]) / "tingshuo.db")
        try:
            query = "SELECT kind, status, caller, input_name, engine FROM jobs ORDER BY id"
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    return read
