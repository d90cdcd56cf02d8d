"""The shape of the workspace, where a wrong file breaks things far away from it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: One network, one file: these may be twice as long.
MODEL_FILES = ("model.py", "sambert.py", "hifigan.py")
PACKAGES = [*ROOT.glob("platform/src/*/"), *ROOT.glob("plugins/*/src/*/")]


def _python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py")]


def test_the_folder_platform_never_shadows_the_standard_module() -> None:
    # `python -m pytest` puts the root on sys.path; a module or package there named platform would end it.
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not list((ROOT / "platform").glob("*.py"))
    code = "import platform; platform.python_version()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_root_pyproject_holds_only_tool_settings() -> None:
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))) == {"tool"}


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_file_outgrows_what_one_can_read_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _python_files("platform/src", "plugins", "starter", "bench")
        if (lines := len(path.read_text("utf-8").splitlines())) > (500 if path.name in MODEL_FILES else 250)
    }
    assert long == {}


def test_nothing_but_the_espeak_plugin_and_the_starter_scripts_imports_the_gpl_code() -> None:
    importers = {
        path.relative_to(ROOT).parts[:2]
        for path in _python_files("platform/src", "plugins")
        if "import tingshuo_espeak" in (text := path.read_text("utf-8")) or "from tingshuo_espeak" in text
    }
    assert importers <= {("plugins", "espeak")}


def test_torch_is_pinned_so_that_pip_does_not_bring_cuda() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text("utf-8").splitlines()


def test_shipped_starter_models_stay_small() -> None:
    sizes = {
        path.name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        for path in ROOT.glob("plugins/*/src/*/starter/*")
    }
    assert sizes
    assert max(sizes.values()) <= 10 * 2**20
    assert sum(sizes.values()) <= 12 * 2**20


def test_every_package_is_typed() -> None:
    assert all((package / "py.typed").exists() for package in PACKAGES if (package / "__init__.py").exists())
