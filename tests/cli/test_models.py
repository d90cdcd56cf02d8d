"""`tingshuo models`: list, verify, and the kit that carries models to machines without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import Result

from tingshuo.manifest import describe

Invoke: TypeAlias = Callable[..., Result]

MODEL = "iic/TinyModel"
FILES = {"model.pt": b"weights" * 1000, "am/tokens.json": b"[]", "README.md": "你好".encode(), "empty.txt": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stored model."""
    folder = tmp_path / "data" / "models" / MODEL
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    describe(folder, MODEL, "v1").write(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_list_tells_what_is_stored(invoke: Invoke, folder: Path) -> None:
    [row] = json.loads(invoke("models", "list", "--json").stdout)
    assert (row["model"], row["state"], row["revision"], row["path"]) == (MODEL, "stored", "v1", str(folder))
    assert row["size"] == sum(map(len, FILES.values()))
    assert MODEL in invoke("models", "list").stdout


def test_verify_names_what_differs(invoke: Invoke, folder: Path) -> None:
    assert invoke("models", "verify").exit_code == 0
    (folder / "README.md").write_bytes(b"changed")
    (folder / "am" / "tokens.json").unlink()
    result = invoke("models", "verify", MODEL)
    assert result.exit_code == 1
    assert "README.md: 7 bytes, expected 6" in result.stderr
    assert "am/tokens.json: missing" in result.stderr


def test_a_kit_carries_a_model_and_is_the_same_every_time(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    kit, again = tmp_path / "kit.tar", tmp_path / "again.tar"
    assert invoke("models", "export", MODEL, "--out", kit).exit_code == 0
    assert invoke("models", "export", "--out", again).exit_code == 0
    assert kit.read_bytes() == again.read_bytes()
    before = contents(folder)
    shutil.rmtree(folder)
    result = invoke("models", "import", kit)
    assert (result.exit_code, result.stdout) == (0, "")
    assert contents(folder) == before
    assert "was there already" in invoke("models", "import", kit).stderr


def test_another_model_of_the_name_is_replaced_with_force_only(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    kit = tmp_path / "kit.tar"
    invoke("models", "export", "--out", kit)
    (folder / "model.pt").write_bytes(b"other weights")
    describe(folder, MODEL, "v2").write(folder)
    refused = invoke("models", "import", kit)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (folder / "model.pt").read_bytes() == b"other weights"
    assert invoke("models", "import", kit, "--force").exit_code == 0
    assert (folder / "model.pt").read_bytes() == FILES["model.pt"]


def test_a_damaged_model_is_not_exported(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    (folder / "model.pt").write_bytes(b"broken")
    result = invoke("models", "export", "--out", tmp_path / "kit.tar")
    assert result.exit_code == 2
    assert "was not exported" in result.stderr
    assert not list(tmp_path.glob("*kit.tar*"))


@pytest.mark.parametrize("arguments", [["verify", "iic/None"], ["export", "iic/None"], ["import", "nowhere.tar"]])
def test_what_is_not_there_is_one_line(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("models", *arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
