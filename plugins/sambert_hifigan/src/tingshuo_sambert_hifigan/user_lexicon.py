"""The readings that callers set while the server runs: a lexicon file that every process reads and any may change.

It is a file and no table, since an engine in a process of its own reads it too, before every text: that costs one look
at the file's times, and needs no database. Operators can read it, edit it and put it under version control.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from tingshuo.blobs import storage_error
from tingshuo.db.connection import private_folder
from tingshuo.errors import InvalidRequest, LimitExceeded, NotFound
from tingshuo_sambert_hifigan.frontend.lexicon import Lexicon, read_lexicon

#: Entries at most: all of them are looked for in every text.
MOST = 10_000
#: What ends a line for `str.splitlines`, and what parts a word from its reading.
_BREAKS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_HEADING = "# Readings set through the API or `tingshuo lexicon`: a word, a tab, its pinyin or ARPAbet.\n"

Stamp: TypeAlias = tuple[int, int, int] | None


class UserLexicon:
    """The entries of one file. Thread-safe, and safe among processes on one file system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> dict[str, str]:
        """Word -> reading, in the order of words. Raises `ConfigurationError` where somebody spoilt the file."""
        return read_lexicon(self.path) if self.path.exists() else {}

    def stamp(self) -> Stamp:
        """Changes with every change of the file; None where there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error) from error
        return found.st_mtime_ns, found.st_size, found.st_ino

    def put(self, word: str, reading: str) -> tuple[str, str]:
        """Set the reading of a word and give both as they are kept; raises `InvalidRequest` for what is no entry."""
        word, reading = word.strip(), " ".join(reading.split())
        if _BREAKS.search(word) or word.startswith("#"):
            raise InvalidRequest(f"{word!r} is no lexicon word: it begins with # or holds a line end", param="word")
        _check(word, reading)

        def change(entries: dict[str, str]) -> None:
            entries.pop(_written(word, entries), None)
            if len(entries) >= MOST:
                raise LimitExceeded(f"the lexicon has {MOST} entries, which is the most; remove some", param="word")
            entries[word] = reading

        self._change(change)
        return word, reading

    def remove(self, word: str) -> None:
        """Forget a word; raises `NotFound`."""

        def change(entries: dict[str, str]) -> None:
            if entries.pop(_written(word.strip(), entries), None) is None:
                raise NotFound(f"the lexicon has no word {word[:40]!r}", param="word")

        self._change(change)

    def _change(self, change: Callable[[dict[str, str]], None]) -> None:
        try:
            with self._locked():
                entries = self.entries()
                change(entries)
                self._write(entries)
        except OSError as error:
            raise storage_error(error) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let nobody else change the file: what they read would be old when they write it."""
        private_folder(self.path.parent)
        descriptor = os.open(
            self.path.with_name(f".{self.path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, entries: Mapping[str, str]) -> None:
        """Replace the file as a whole, so that a reader sees the old one or the new one, also after a power cut."""
        draft = self.path.with_name(f".{self.path.name}.draft")
        lines = (f"{word}\t{reading}\n" for word, reading in sorted(entries.items()))
        with draft.open("w", encoding="utf-8") as file:
            file.write(_HEADING + "".join(lines))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def kind_of(reading: str) -> str:
    """`arpabet` or `pinyin`; capitals are ARPAbet."""
    return "arpabet" if reading.isupper() else "pinyin"


def _check(word: str, reading: str) -> None:
    try:
        Lexicon({word: "a1"})
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param="word") from None
    try:
        Lexicon({word: reading})
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param="reading") from None


def _written(word: str, entries: Mapping[str, str]) -> str:
    """The word as the entries have it: case makes no difference."""
    return next((known for known in entries if known.lower() == word.lower()), word)
