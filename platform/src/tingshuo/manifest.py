"""The manifest of a model folder: which files belong to it, how long they are, and their sha256.

Written as `tingshuo.manifest.json` beside the weights when a model is pulled or imported. What a manifest says may
come from outside (a kit), so it is validated before a path in it is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tingshuo.errors import ModelError

MANIFEST = "tingshuo.manifest.json"

#: A model on the hub: owner/name. Each half starts with a letter or digit, so neither can be "..".
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)

#: More files than any model we know has (SAMBERT-HiFiGAN: 60); a listing beyond it is not a model.
MAX_FILES = 10_000

#: Bytes read at once while hashing.
CHUNK = 1 << 20


def safe_path(path: str) -> str:
    """`path` itself if it is a plain relative path below a model folder; raises `ModelError` otherwise."""
    parts = path.split("/")
    plain = all(part not in ("", ".", "..") and len(part.encode("utf-8", "replace")) <= 255 for part in parts)
    if not plain or "\\" in path or not path.isprintable() or ":" in parts[0]:
        raise ModelError(f"{path!r} is no file name below a model folder")
    return path


def safe_hub_id(hub_id: str) -> str:
    """`hub_id` itself if it has the form owner/name; raises `ModelError` otherwise."""
    if not HUB_ID.fullmatch(hub_id):
        raise ModelError(f"{hub_id!r} is no hub id; one looks like iic/SenseVoiceSmall")
    return hub_id


class ManifestFile(BaseModel):
    """One file: sha256 in lower-case hex, size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Manifest(BaseModel):
    """What a model folder holds. Keys of `files` are paths below the folder, with forward slashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hub_id: Annotated[str, AfterValidator(safe_hub_id)]
    revision: str = Field(max_length=200)
    files: dict[Annotated[str, AfterValidator(safe_path)], ManifestFile] = Field(min_length=1, max_length=MAX_FILES)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    def write(self, folder: Path) -> None:
        """Write it into `folder`."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`, None where there is none; raises `ModelError` for one that is broken."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise ModelError(f"{path} cannot be used: {str(error).splitlines()[0]}") from error


def intact_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`, None where there is none or a broken one."""
    try:
        return read_manifest(folder)
    except ModelError:
        return None


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def files_of(folder: Path) -> list[str]:
    """Paths of the regular files below `folder`, sorted, the manifest left out; links are not followed."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(name for path in found if (name := path.relative_to(folder).as_posix()) != MANIFEST)


def describe(folder: Path, hub_id: str, revision: str = "unknown") -> Manifest:
    """A new manifest from the files that lie in `folder`."""
    names = [safe_path(name) for name in files_of(folder)]
    if not names:
        raise ModelError(f"{folder} holds no files, so it is no model")
    entries = {name: _described(folder / name) for name in names}
    return Manifest(hub_id=safe_hub_id(hub_id), revision=revision, files=entries)


def _described(path: Path) -> ManifestFile:
    return ManifestFile(sha256=sha256_of(path), size=path.stat().st_size)


def problems(folder: Path, manifest: Manifest, seen: Callable[[int], None] | None = None) -> list[str]:
    """What is wrong with `folder`, one line each; empty when every file is as the manifest says.

    Files the manifest does not name are no problem: engines may keep derived data beside the weights.
    `seen` is told the bytes of each file after it was checked.
    """
    wrong = []
    for name, expected in manifest.files.items():
        reason = _problem(folder / name, expected)
        if reason:
            wrong.append(f"{name}: {reason}")
        if seen:
            seen(expected.size)
    return wrong


def _problem(path: Path, expected: ManifestFile) -> str:
    if not path.is_file():
        return "missing"
    if (size := path.stat().st_size) != expected.size:
        return f"{size} bytes, expected {expected.size}"
    if (actual := sha256_of(path)) != expected.sha256:
        return f"sha256 {actual}, expected {expected.sha256}"
    return ""


def verify(folder: Path, seen: Callable[[int], None] | None = None) -> Manifest:
    """Check `folder` against its manifest; raises `ModelError` naming every file that differs."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelError(f"{folder} has no {MANIFEST}, so there is nothing to verify it against")
    wrong = problems(folder, manifest, seen)
    if wrong:
        raise ModelError(f"{manifest.hub_id} is damaged: {'; '.join(wrong)}")
    return manifest
