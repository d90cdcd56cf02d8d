"""A generator run in a thread ahead of whoever reads it: a slow reader does not hold the engine."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from tingshuo.cancellation import Cancellation
from tingshuo.errors import RequestCancelled

Piece = TypeVar("Piece")
Whole = TypeVar("Whole")

#: Pieces kept for the reader before the writer waits: minutes of sound, a few MB.
AHEAD = 256


class ReadAhead(Generic[Piece, Whole]):
    """What `write` takes out of a generator, for `read` to give out in another thread."""

    def __init__(self, cancellation: Cancellation, ahead: int = AHEAD) -> None:
        self._cancellation, self._ahead = cancellation, ahead
        self._pieces: deque[Piece] = deque()
        self._changed = threading.Condition()
        self._given_up = False
        self._end: Callable[[], Whole] | None = None

    def write(self, source: Generator[Piece, None, Whole]) -> None:
        """Run `source` to its end, or close it once nobody reads any more."""
        try:
            whole = self._write(source)
            self._ended(lambda: whole)
        except BaseException as error:  # noqa: BLE001 - raised where it is read
            raised = error  # Python forgets `error` at the end of the clause

            def fail() -> Whole:
                raise raised

            self._ended(fail)

    def read(self) -> Generator[Piece, None, Whole]:
        """The pieces, and what the source returned or raised; raises as soon as the cancellation says so.

        What was written before a deadline is given out after it too.
        """
        try:
            while True:
                with self._cancellation.watched(self._wake), self._changed:
                    self._changed.wait_for(self._readable, self._cancellation.remaining)
                    piece = self._pieces.popleft() if self._pieces else None
                    self._changed.notify_all()
                if self._cancellation.cancelled or (piece is None and self._end is None):
                    self._cancellation.check()
                elif piece is not None:
                    yield piece
                elif self._end is not None:
                    return self._end()
        finally:
            self._give_up()

    def _write(self, source: Generator[Piece, None, Whole]) -> Whole:
        with contextlib.closing(source):
            while True:
                try:
                    piece = next(source)
                except StopIteration as end:
                    whole: Whole = end.value
                    return whole
                self._put(piece)
                self._cancellation.check()

    def _put(self, piece: Piece) -> None:
        with self._cancellation.watched(self._wake), self._changed:
            self._changed.wait_for(self._writable, self._cancellation.remaining)
            if self._given_up:
                raise RequestCancelled("the stream was closed by its reader")
            self._pieces.append(piece)
            self._changed.notify_all()

    def _readable(self) -> bool:
        return bool(self._pieces) or self._end is not None or self._cancellation.cancelled

    def _writable(self) -> bool:
        return len(self._pieces) < self._ahead or self._given_up or self._cancellation.cancelled

    def _ended(self, end: Callable[[], Whole]) -> None:
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _give_up(self) -> None:
        with self._changed:
            self._given_up = True
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
