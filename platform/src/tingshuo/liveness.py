"""Which processes still live.

Every process that records jobs holds a lock on a file of its own below `data_dir/processes`. The kernel drops the
lock with the process, however it ends; a process id would say less (it is used again, and it means another process
in another container).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

from tingshuo.db.connection import private_folder


def node_id(data_dir: Path) -> str:
    """The name of this data folder, made on first use: its jobs can be judged only where its locks are seen."""
    path = private_folder(data_dir) / "node"
    if not path.exists():
        draft = path.with_name(f".node-{secrets.token_hex(8)}")
        draft.write_text(secrets.token_hex(16), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:  # another process was faster
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


class LifeSign:
    """A lock held until `close` or the end of the process. `id` is the name to look it up by."""

    def __init__(self, data_dir: Path) -> None:
        self.id = secrets.token_hex(16)
        self._path = _folder(data_dir) / self.id
        self._descriptor = _hold(self._path)

    def close(self) -> None:
        """Give the sign of life up."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(data_dir: Path, process: str) -> bool:
    """Whether the process that holds the `LifeSign` called `process` still runs."""
    try:
        descriptor = os.open(_folder(data_dir) / process, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at once do not take each other for the process they ask about.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sweep(data_dir: Path) -> None:
    """Remove the files that killed processes left."""
    for path in _folder(data_dir).iterdir():
        if not is_alive(data_dir, path.name):
            path.unlink(missing_ok=True)


def _folder(data_dir: Path) -> Path:
    return private_folder(data_dir / "processes")


def _hold(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A sweep between the two lines above removes the file, and with it the lock that others can see.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)
