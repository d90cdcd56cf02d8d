"""Where models lie. Nothing is downloaded inside a request.

A model setting is `auto` (official weights where they lie in the model store or in modelscope's cache, else the
starter that ships with the plugin), `starter`, a folder, or a hub id such as `iic/SenseVoiceSmall`.
Bringing a model is `hub.pull` (network) or `kit.import_kit` (no network); both end in `install`.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tingshuo.errors import ModelError, NamedModelMissing
from tingshuo.manifest import HUB_ID, sha256_of
from tingshuo.settings import Settings
from tingshuo.types import Model


def installed(settings: Settings, hub_id: str) -> Path | None:
    """The folder of a hub model on this machine: model store first, then modelscope's cache.

    An empty folder is none: modelscope's client leaves one where a download could not begin.
    """
    return next((folder for folder in _places(settings, hub_id) if folder.is_dir() and any(folder.iterdir())), None)


def _places(settings: Settings, hub_id: str) -> Iterator[Path]:
    yield settings.model_store / hub_id
    owner, _, name = hub_id.partition("/")
    for cache in settings.modelscope_caches:
        yield cache / f"{owner}--{name}" / "snapshots" / "master"  # since modelscope 1.38
        yield cache / owner / name.replace(".", "___")  # before it
        yield cache / hub_id


def find_model(settings: Settings, setting: str, hub_id: str, starter: Path) -> Model:
    """The model that `setting` means for an engine whose official model is `hub_id`.

    Raises `NamedModelMissing` with the command that brings a hub model which is not there; never falls back silently.
    """
    if setting in ("", "auto"):
        path = installed(settings, hub_id)
        return Model(hub_id, "official", path) if path else Model(f"starter ({hub_id})", "starter", starter)
    if setting == "starter":
        return Model(f"starter ({hub_id})", "starter", starter)
    folder = Path(setting).expanduser()
    if folder.is_dir():
        return Model(folder.name, "folder", folder.absolute())
    if HUB_ID.fullmatch(setting):
        path = installed(settings, setting)
        if path:
            return Model(setting, "official" if setting == hub_id else "folder", path)
        raise NamedModelMissing(
            f"model {setting} is not on this machine; bring it with: tingshuo models pull {setting}"
        )
    raise NamedModelMissing(
        f"model setting {setting!r} is no folder, no hub id (owner/name), not 'auto' and not 'starter'"
    )


def stored(settings: Settings) -> dict[str, Path]:
    """Every model in the model store: hub id -> folder."""
    store = settings.model_store
    folders = (path for path in sorted(store.glob("*/*")) if path.is_dir())
    names = ((path.relative_to(store).as_posix(), path) for path in folders)
    return {hub_id: path for hub_id, path in names if HUB_ID.fullmatch(hub_id)}


# ---- what is inside


@functools.lru_cache(maxsize=64)
def _sha256_once(path: Path, size: int, modified_ns: int) -> str:
    # Size and time of modification are only the key: a file that changed is hashed again.
    return sha256_of(path)


def checksum(model: Model) -> str | None:
    """sha256 of the main weight file (`model.pt`, else the largest file); None for a model without files.

    Hashed once per process as long as the file keeps its size and time of modification.
    """
    path = _main_file(model.path) if model.path else None
    if path is None:
        return None
    stat = path.stat()
    return _sha256_once(path, stat.st_size, stat.st_mtime_ns)


def _main_file(model: Path) -> Path | None:
    if model.is_file():
        return model
    if (model / "model.pt").is_file():
        return model / "model.pt"
    files = sorted(path for path in model.rglob("*") if path.is_file())
    return max(files, key=lambda path: path.stat().st_size, default=None)


# ---- putting a model in place


def staging(settings: Settings, name: str) -> Path:
    """A folder on the model store's own disk, so that what is complete there is put in place by a rename."""
    # The leading dot keeps it out of `stored`: a hub id cannot start with one.
    return settings.model_store / ".partial" / name


@contextlib.contextmanager
def exclusive(settings: Settings, name: str) -> Iterator[None]:
    """Keep other processes from working on the staging folder `name`; raises `ModelError` if one does."""
    lock = staging(settings, f"{name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"another process is bringing {name}; wait for it to end") from None
        yield


def require_space(settings: Settings, size: int) -> None:
    """Raise `ModelError` where the model store's disk cannot take `size` more bytes."""
    free = shutil.disk_usage(settings.model_store).free
    if size > free:
        raise ModelError(f"{settings.model_store} has {free / 1e9:.1f} GB free; {size / 1e9:.1f} GB are needed")


def install(settings: Settings, folder: Path, hub_id: str) -> Path:
    """Move a complete model folder into the store, in place of one that is there. Returns its new path."""
    target = settings.model_store / hub_id
    target.parent.mkdir(parents=True, exist_ok=True)
    old = staging(settings, f"old-{os.getpid()}")
    if target.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        target.rename(old)
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target
