"""A kit: models in one tar file, for machines without a network.

Layout: first `kit.json`, then `<owner>/<name>/<path>` for every file, in the order of the index. The index carries
the manifest of every model, so an import knows each member's name, size and sha256 before it reads it, and takes
nothing else: a link, a device, an unknown name or a longer file ends it before any model is put in place.
The same models always give the same bytes: no times, no owners, fixed modes, sorted names.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tingshuo import weights
from tingshuo.errors import ModelError
from tingshuo.manifest import CHUNK, Manifest, ManifestFile, describe, intact_manifest, problems, read_manifest
from tingshuo.settings import Settings

#: Told (bytes done, bytes in all).
Progress: TypeAlias = Callable[[int, int], None]

INDEX = "kit.json"

#: Bytes: the index of 100 models of 10 000 files each stays below it.
_MAX_INDEX = 128 * 2**20


class Kit(BaseModel):
    """The index of a kit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    models: tuple[Manifest, ...] = Field(min_length=1, max_length=100)

    @property
    def size(self) -> int:
        """Bytes of all files of all models."""
        return sum(manifest.size for manifest in self.models)

    def members(self) -> dict[str, ManifestFile]:
        """Every file of every model by its name in the tar."""
        return {f"{m.hub_id}/{path}": file for m in self.models for path, file in m.files.items()}


# ---- export


def export_kit(folders: dict[str, Path], target: Path, progress: Progress) -> Kit:
    """Write the model folders (hub id -> folder) as a kit to `target`, which appears only when it is complete.

    A folder with a manifest is verified against it first. Raises `ModelError` for one that is damaged or empty.
    """
    kit = Kit(models=tuple(_whole(folders[hub_id], hub_id) for hub_id in sorted(folders)))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with unfinished.open("wb") as file:
            _write(file, kit, folders, progress)
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return kit


def _whole(folder: Path, hub_id: str) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None:
        return describe(folder, hub_id)
    wrong = problems(folder, manifest)
    if wrong:
        raise ModelError(f"{hub_id} is damaged and was not exported: {'; '.join(wrong)}")
    return manifest


def _write(file: BinaryIO, kit: Kit, folders: dict[str, Path], progress: Progress) -> None:
    done = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        index = kit.model_dump_json(indent=1).encode()
        tar.addfile(_member(INDEX, len(index)), io.BytesIO(index))
        for manifest in kit.models:
            for path, entry in manifest.files.items():
                with (folders[manifest.hub_id] / path).open("rb") as content:
                    tar.addfile(_member(f"{manifest.hub_id}/{path}", entry.size), content)
                done += entry.size
                progress(done, kit.size)


def _member(name: str, size: int) -> tarfile.TarInfo:
    # A new TarInfo has time 0, owner 0 and no owner's name; nothing of this machine gets in.
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


# ---- import


def import_kit(settings: Settings, source: Path, progress: Progress, *, force: bool = False) -> dict[str, bool]:
    """Put the models of a kit into the model store. Returns hub id -> whether it was new.

    A model that is there with the same manifest is left alone; a different one is replaced with `force` only.
    Raises `ModelError`; then nothing was put in place.
    """
    try:
        with source.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            return _import(settings, tar, progress, force=force)
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror or error}") from error
    except (tarfile.TarError, EOFError) as error:
        raise ModelError(f"{source} is no kit, or a damaged one: {error}") from error


def _import(settings: Settings, tar: tarfile.TarFile, progress: Progress, *, force: bool) -> dict[str, bool]:
    members = iter(tar)
    kit = _index(tar, next(members, None))
    new = {m.hub_id: _is_new(settings, m, force=force) for m in kit.models}
    with weights.exclusive(settings, "kit"):
        folder = weights.staging(settings, "kit")
        shutil.rmtree(folder, ignore_errors=True)
        weights.require_space(settings, kit.size)
        try:
            _unpack(tar, members, kit, folder, progress)
            for manifest in kit.models:
                if new[manifest.hub_id]:
                    manifest.write(folder / manifest.hub_id)
                    weights.install(settings, folder / manifest.hub_id, manifest.hub_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return new


def _index(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Kit:
    if member is None or member.name != INDEX or not member.isreg() or member.size > _MAX_INDEX:
        raise ModelError(f"this is no kit: its first member is not {INDEX}")
    try:
        kit = Kit.model_validate_json(_content(tar, member).read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"{INDEX} of the kit is wrong at {where}: {first['msg']}") from error
    if len({m.hub_id for m in kit.models}) != len(kit.models):
        raise ModelError(f"{INDEX} of the kit names a model twice")
    return kit


def _is_new(settings: Settings, manifest: Manifest, *, force: bool) -> bool:
    target = settings.model_store / manifest.hub_id
    if force or not target.exists():
        return True
    if intact_manifest(target) == manifest and not problems(target, manifest):
        return False
    raise ModelError(f"{manifest.hub_id} is installed and differs from the kit's; replace it with --force")


def _unpack(
    tar: tarfile.TarFile, members: Iterator[tarfile.TarInfo], kit: Kit, folder: Path, progress: Progress
) -> None:
    expected = kit.members()
    done = 0
    for member in members:
        entry = expected.pop(member.name, None)
        if entry is None:
            raise ModelError(f"the kit holds {member.name!r}, which its index does not name, or names once only")
        if not member.isreg() or member.size != entry.size:
            raise ModelError(f"{member.name!r} of the kit is not the plain file of {entry.size} bytes its index names")
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if _copy(_content(tar, member), target) != entry.sha256:
            raise ModelError(f"{member.name!r} of the kit is damaged: its sha256 is not the one in the index")
        done += entry.size
        progress(done, kit.size)
    if expected:
        raise ModelError(f"the kit is cut short: {_first(expected)!r} is missing")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    return cast(BinaryIO, tar.extractfile(member))


def _first(names: Iterable[str]) -> str:
    return next(iter(names))


def _copy(content: BinaryIO, target: Path) -> str:
    """Copy and return the sha256 of what was copied."""
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
