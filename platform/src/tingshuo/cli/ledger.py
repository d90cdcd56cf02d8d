"""What a folder of results was made from, so that a second run does only what is new.

`<out>/.tingshuo.jsonl` has one line per finished recording, appended when its result is in place; the last line about
a result counts. A line torn by a crash is ignored: that recording is done again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tingshuo.errors import InvalidRequest

JOURNAL = ".tingshuo.jsonl"
ERRORS = "errors.jsonl"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a result depends on: the source's size (bytes) and time of modification (ns), and all options."""

    size: int
    modified_ns: int
    made_with: str

    @classmethod
    def of(cls, path: Path, made_with: str) -> Self:
        """The origin of a result made from `path` now."""
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, made_with)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording could not be transcribed."""

    code: str
    message: str


class Ledger:
    """The journal of one folder of results, held for writing by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open it; raises `InvalidRequest` where another process works in the same folder."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = _locked(folder / JOURNAL)
        self._entries: dict[str, tuple[str, Origin, Failure | None]] = {}
        for line in self._file:
            self._read(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
            failure = Failure(**entry["failure"]) if entry["failure"] else None
            self._entries[entry["result"]] = (entry["file"], Origin(**entry["origin"]), failure)
        except (ValueError, KeyError, TypeError):
            return

    def done(self, result: str, origin: Origin) -> bool:
        """Whether `result` is in place and was made from `origin`."""
        entry = self._entries.get(result)
        return entry is not None and entry[1:] == (origin, None) and (self.folder / result).is_file()

    def failed(self, result: str, origin: Origin) -> bool:
        """Whether `origin` was tried before and failed."""
        entry = self._entries.get(result)
        return entry is not None and entry[1] == origin and entry[2] is not None

    def write(self, result: str, file: str, origin: Origin, content: str | Failure) -> None:
        """Put a result in place, or note a failure; complete on disk, or not there at all."""
        target = self.folder / result
        failure = None if isinstance(content, str) else content
        if isinstance(content, str):
            write_atomically(target, content)
        else:
            target.unlink(missing_ok=True)
        self._entries[result] = (file, origin, failure)
        entry = {"result": result, "file": file, "origin": asdict(origin), "failure": failure and asdict(failure)}
        self._file.write(f"{json.dumps(entry)}\n")
        self._file.flush()

    def write_errors(self, results: Mapping[str, object]) -> int:
        """Write errors.jsonl about those of `results` that failed, or remove it where none did. Returns how many."""
        failed = [
            json.dumps({"file": file, "code": failure.code, "error": failure.message}, ensure_ascii=False)
            for result, (file, _, failure) in sorted(self._entries.items())
            if failure and result in results
        ]
        target, text = self.folder / ERRORS, "".join(f"{line}\n" for line in failed)
        if not failed:
            target.unlink(missing_ok=True)
        elif not target.is_file() or target.read_bytes() != _encoded(text):
            write_atomically(target, text)
        return len(failed)


def _locked(path: Path) -> IO[str]:
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InvalidRequest(f"another tingshuo is writing to {path.parent}; wait for it to end") from None
    if file.tell() and not path.read_bytes().endswith(b"\n"):
        file.write("\n")  # a torn last line must not swallow the next one
    file.seek(0)
    return file


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def write_atomically(target: Path, text: str) -> None:
    """Write UTF-8 so that `target` is either complete or as it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{os.getpid()}.partial")
    try:
        unfinished.write_bytes(_encoded(text))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
