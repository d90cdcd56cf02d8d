"""What was sent while it was made, put by for the history."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from tingshuo.blobs import storage_error

#: Bytes that stay in memory; more goes to a temporary file.
_IN_MEMORY = 2**22
#: Where the 44 bytes before the samples of a WAV file tell its length and that of the samples.
_WAV_LENGTHS = (4, 40)


class KeptStream:
    """A copy of a streamed file. Raises `StorageFull` or `StorageFailed` where the disk does not take it."""

    def __init__(self) -> None:
        # Closed by `__exit__`.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def write(self, part: bytes) -> None:
        """Add what was sent."""
        try:
            self._file.write(part)
        except OSError as error:
            raise storage_error(error) from error

    def finished(self, audio_format: str) -> BinaryIO:
        """The whole file. A wav file then has the lengths that nobody knew when its beginning was sent."""
        if audio_format == "wav":
            size = self._file.tell()
            for place in _WAV_LENGTHS:
                self._file.seek(place)
                self._file.write((size - place - 4).to_bytes(4, "little"))
        return cast(BinaryIO, self._file)
