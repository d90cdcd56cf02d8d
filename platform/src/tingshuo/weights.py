"""Where models lie. Nothing is downloaded inside a request.

A model setting is `auto` (official weights where they lie in the model store or in modelscope's cache, else the
starter that ships with the plugin), `starter`, a folder, or a hub id such as `iic/SenseVoiceSmall`.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

from tingshuo.errors import ModelError
from tingshuo.settings import Settings
from tingshuo.types import Model

#: Bytes read at once while hashing.
_CHUNK = 1 << 20

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def installed(settings: Settings, hub_id: str) -> Path | None:
    """The folder of a hub model on this machine: model store first, then modelscope's cache."""
    places = (settings.model_store, *settings.modelscope_caches)
    return next((place / hub_id for place in places if (place / hub_id).is_dir()), None)


def find_model(settings: Settings, setting: str, hub_id: str, starter: Path) -> Model:
    """The model that `setting` means for an engine whose official model is `hub_id`.

    Raises `ModelError` naming the command that brings a hub model which is not there; never falls back silently.
    """
    if setting in ("", "auto"):
        path = installed(settings, hub_id)
        return Model(hub_id, "official", path) if path else Model(f"starter ({hub_id})", "starter", starter)
    if setting == "starter":
        return Model(f"starter ({hub_id})", "starter", starter)
    folder = Path(setting).expanduser()
    if folder.is_dir():
        return Model(folder.name, "folder", folder.absolute())
    if _HUB_ID.fullmatch(setting):
        path = installed(settings, setting)
        if path:
            return Model(setting, "official" if setting == hub_id else "folder", path)
        raise ModelError(f"model {setting} is not on this machine; bring it with: tingshuo models pull {setting}")
    raise ModelError(f"model setting {setting!r} is no folder, no hub id (owner/name), not 'auto' and not 'starter'")


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
