"""Audio kept on disk: `data_dir/blobs/<2 characters>/<job id>/<name>`. Names are made here, never by a caller."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import BinaryIO, TypeAlias

from tingshuo.db.connection import private_folder
from tingshuo.errors import StorageFailed, StorageFull

#: Bytes, a file to copy, or an open file to copy from its beginning.
Content: TypeAlias = bytes | Path | BinaryIO
_BLOCK_BYTES = 2**20


def folder(data_dir: Path, job_id: str) -> Path:
    """Where the blobs of a job lie; the end of an id is random, so the folders fill evenly."""
    return data_dir / "blobs" / job_id[-2:] / job_id


def write(data_dir: Path, job_id: str, name: str, content: Content) -> int:
    """Store `content` durably and return its size in bytes.

    It is there in full or not at all. Raises `StorageFull` or `StorageFailed`.
    """
    target = folder(data_dir, job_id) / name
    draft = target.with_name(f".{name}")
    try:
        private_folder(target.parent)
        _write_through(draft, content)
        draft.rename(target)
        _sync_folder(target.parent)
        return target.stat().st_size
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise storage_error(error) from error


def remove(data_dir: Path, job_id: str) -> None:
    """Remove everything kept for a job; nothing happens where there is nothing."""
    path = folder(data_dir, job_id)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error(error) from error


def storage_error(error: OSError) -> StorageFailed:
    """The error to show for what the file system refused; says nothing of paths."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("the server's disk is full; free some space and try again")
    return StorageFailed(f"the server cannot use its data folder: {error.strerror}", retry_after=10)


def _write_through(path: Path, content: Content) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        elif isinstance(content, Path):
            with content.open("rb") as source:
                shutil.copyfileobj(source, file, _BLOCK_BYTES)
        else:
            content.seek(0)
            shutil.copyfileobj(content, file, _BLOCK_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
