"""The files of a model, in a folder or in a zip that is read in place and never unpacked.

Reading in place leaves a zip no way to write outside the model; its sizes are checked before anything is read.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO

from tingshuo import ModelError

#: Configuration and tables are a few kB; a full training checkpoint is about 1 GB.
SMALL, LARGE = 4 * 2**20, 4 * 2**30
#: Weights hardly compress; text does, about tenfold. A zip that unpacks to more than this is a bomb.
MAX_RATIO = 100
#: Below this size any ratio is harmless.
RATIO_MATTERS = 2**20


class Files(ABC):
    """Files by their relative POSIX names."""

    #: What messages call the place.
    root: Path

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a file of that name."""

    @abstractmethod
    def has_folder(self, name: str) -> bool:
        """Whether there is a folder of that name."""

    @abstractmethod
    def listing(self, folder: str) -> list[str]:
        """Names of the files directly in `folder`, sorted; none where it is absent."""

    @abstractmethod
    def read(self, name: str, limit: int = SMALL) -> bytes:
        """The file's bytes; raises `ModelError` where it is missing or larger than `limit`."""

    @abstractmethod
    def weights(self, name: str) -> Path | BinaryIO:
        """What `torch.load` takes."""

    def label(self, name: str) -> str:
        """The file as messages name it."""
        return f"{self.root}/{name}"


class Folder(Files):
    """Files below a folder; a link that leads out of it is refused."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, name: str) -> Path:
        found = (self.root / name).resolve()
        if not found.is_relative_to(self.root.resolve()):
            raise ModelError(f"{self.root}: {name!r} lies outside the model")
        return found

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def has_folder(self, name: str) -> bool:
        return self._path(name).is_dir()

    def listing(self, folder: str) -> list[str]:
        path = self._path(folder)
        return sorted(item.name for item in path.iterdir() if item.is_file()) if path.is_dir() else []

    def read(self, name: str, limit: int = SMALL) -> bytes:
        path = self._present(name)
        size = path.stat().st_size
        if size > limit:
            raise ModelError(f"{self.label(name)} has {size} bytes; at most {limit} are read")
        return path.read_bytes()

    def weights(self, name: str) -> Path:
        return self._present(name)

    def _present(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            raise ModelError(f"the file {self.label(name)} is missing")
        return path


class Archive(Files):
    """Files in a zip."""

    def __init__(self, path: Path) -> None:
        self.root = path
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise ModelError(f"{path} is no zip file that can be read: {error}") from error
        self._entries = {entry.filename: entry for entry in entries if not entry.is_dir()}
        for entry in entries:
            self._check(entry)

    def _check(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise ModelError(f"{self.root}: the entry {name!r} leads out of the zip file")
        if entry.flag_bits & 1:
            raise ModelError(f"{self.root}: the entry {name!r} is encrypted")
        ratio = entry.file_size / max(entry.compress_size, 1)
        if entry.file_size > LARGE or (entry.file_size > RATIO_MATTERS and ratio > MAX_RATIO):
            raise ModelError(f"{self.root}: the entry {name!r} would unpack to {entry.file_size} bytes")

    def names(self) -> list[str]:
        """Names of all files."""
        return list(self._entries)

    def exists(self, name: str) -> bool:
        return name in self._entries

    def has_folder(self, name: str) -> bool:
        return any(entry.startswith(f"{name}/") for entry in self._entries)

    def listing(self, folder: str) -> list[str]:
        return sorted(posixpath.basename(name) for name in self._entries if posixpath.dirname(name) == folder)

    def read(self, name: str, limit: int = SMALL) -> bytes:
        entry = self._entries.get(name)
        if entry is None:
            raise ModelError(f"the file {self.label(name)} is missing")
        if entry.file_size > limit:
            raise ModelError(f"{self.label(name)} has {entry.file_size} bytes; at most {limit} are read")
        try:
            with zipfile.ZipFile(self.root) as archive:
                # zipfile stops at the size that the entry declares and compares the checksum.
                return archive.read(entry)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ModelError(f"{self.label(name)} cannot be read: {error}") from error

    def weights(self, name: str) -> BinaryIO:
        return io.BytesIO(self.read(name, LARGE))
