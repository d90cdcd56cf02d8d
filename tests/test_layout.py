"""The shape of the workspace, where a wrong file breaks things far away from it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
#: One network, one file: these may be twice as long.
MODEL_FILES = ("model.py", "sambert.py", "hifigan.py", "stepper.py")
PYTHON = "Programming Language :: Python :: "
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


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines) if version
    }


def _installed() -> dict[str, str]:
    """What an install brought, from the packages of the workspace and the tools on, on this Python."""
    lines = (ROOT / "requirements-dev.txt").read_text("utf-8").splitlines()
    waiting = [Requirement(line) for line in lines if not line.startswith(("#", "-e "))]
    for line in (line for line in lines if line.startswith("-e ")):
        folder, _, extras = line.removeprefix("-e ").rstrip("]").partition("[")
        name = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]["name"]
        waiting.append(Requirement(f"{name}[{extras}]"))
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            found = (Requirement(text) for text in distribution(name).requires or [])
            waiting += [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {name: distribution(name).version for name, _ in seen}


def test_everything_an_install_brings_is_pinned() -> None:
    # The CUDA libraries come only with torch of PyPI on Linux, in versions that torch itself binds.
    free = re.compile(r"tingshuo($|-)|nvidia-|cuda-|triton$")
    brought = {name: version.partition("+")[0] for name, version in _installed().items() if not free.match(name)}
    pins = _pins()
    assert len(brought) > 100
    assert {name: version for name, version in brought.items() if pins.get(name) != version} == {}


def test_the_versions_of_python_are_the_same_wherever_they_are_told() -> None:
    versions = {f"3.{minor}" for minor in (11, 12, 13)}
    for path in (ROOT / "platform", ROOT / "webui", *(ROOT / "plugins").iterdir()):
        project = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))["project"]
        told = {line.removeprefix(PYTHON) for line in project["classifiers"] if line.startswith(PYTHON + "3.")}
        assert (project["name"], told) == (project["name"], versions)
        assert project["requires-python"] == ">=3.11"
    pipeline = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert set(pipeline["jobs"]["test"]["strategy"]["matrix"]["python"]) == versions
    for name in ("Makefile", "README.md"):
        assert "Python 3.11, 3.12 or 3.13" in (ROOT / name).read_text("utf-8")
    assert "Python 3.11、3.12 或 3.13" in (ROOT / "README.zh-CN.md").read_text("utf-8")


def test_shipped_starter_models_stay_small() -> None:
    sizes = {
        path.parent.name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        for path in ROOT.glob("plugins/*/src/*/starter")
    }
    assert set(sizes) == {"tingshuo_sambert_hifigan", "tingshuo_sensevoice"}
    assert max(sizes.values()) <= 12 * 2**20


def test_every_package_is_typed() -> None:
    assert all((package / "py.typed").exists() for package in PACKAGES if (package / "__init__.py").exists())
