"""Audio kept: `<2 characters>/<job id>/<name>` in a folder or an object store. No part of a name is a caller's."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

from tingshuo.db.connection import private_folder
from tingshuo.errors import NotFound, StorageFailed, StorageFull

if TYPE_CHECKING:
    from tingshuo.settings import Settings

#: Bytes, a file to copy, or an open file to copy from its beginning.
Content: TypeAlias = bytes | Path | BinaryIO
#: Bytes that are copied at once.
BLOCK_BYTES = 2**20


class Blobs(Protocol):
    """Where blobs lie. All raise `StorageFull` or `StorageFailed`; the names come from the program alone."""

    def write(self, job_id: str, name: str, content: Content) -> int:
        """Store `content` durably and return its size in bytes; it is there in full or not at all."""

    def local(self, job_id: str, name: str) -> contextlib.AbstractContextManager[Path]:
        """A local file with the blob, to read while the `with` block runs. Raises `NotFound`."""

    def remove(self, job_id: str, name: str | None = None) -> None:
        """Remove a blob, or everything kept for a job; nothing happens where there is nothing."""

    def remove_others(self, job_id: str, keep: Collection[str | None]) -> None:
        """Remove everything kept for a job but the blobs in `keep`."""

    def jobs(self) -> Iterator[str]:
        """The ids of the jobs for which something is kept."""


def store(settings: Settings) -> Blobs:
    """The blobs of a server: below `data_dir/blobs`, or where TINGSHUO_BLOB_URL says."""
    return _remote(settings.blob_url) if settings.blob_url else LocalBlobs(settings.data_dir / "blobs")


@lru_cache(maxsize=4)
def _remote(url: str) -> Blobs:
    from tingshuo.object_store import RemoteBlobs

    return RemoteBlobs(url)


def storage_error(error: OSError) -> StorageFailed:
    """The error to show for what the file system refused; says nothing of paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull("the server's disk is full; free some space and try again", retry_after=60)
    return StorageFailed(f"the server cannot use its data folder: {error.strerror}", retry_after=10)


class LocalBlobs:
    """Blobs in a folder, for this user alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, job_id: str) -> Path:
        """Where the blobs of a job lie; the end of an id is random, so the folders fill evenly."""
        return self.root / job_id[-2:] / job_id

    def write(self, job_id: str, name: str, content: Content) -> int:
        target = self.folder(job_id) / name
        draft = target.with_name(f".{name}.{secrets.token_hex(4)}")
        try:
            private_folder(target.parent)
            _write_through(draft, content)
            draft.rename(target)
            _sync_folder(target.parent)
            return target.stat().st_size
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise storage_error(error) from error

    @contextlib.contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        path = self.folder(job_id) / name
        if not path.is_file():
            raise NotFound(f"no audio is kept for job {job_id}", param="id")
        yield path

    def remove(self, job_id: str, name: str | None = None) -> None:
        path = self.folder(job_id)
        try:
            if name is not None:
                (path / name).unlink()
                path.rmdir()
            else:
                shutil.rmtree(path)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise storage_error(error) from error

    def remove_others(self, job_id: str, keep: Collection[str | None]) -> None:
        for path in self.folder(job_id).glob("*"):
            if path.name not in keep:
                self.remove(job_id, path.name)

    def jobs(self) -> Iterator[str]:
        return (path.name for path in self.root.glob("*/*"))


@contextlib.contextmanager
def readable(content: Path | BinaryIO) -> Iterator[BinaryIO]:
    """An open file at its beginning."""
    if isinstance(content, Path):
        with content.open("rb") as source:
            yield source
    else:
        content.seek(0)
        yield content


def _write_through(path: Path, content: Content) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with readable(content) as source:
                shutil.copyfileobj(source, file, BLOCK_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
