"""Where an engine works: its queue, its weights, and the threads that call it.

A call that can end early (it has a `Cancellation`) runs in one of the engine's own threads, and whoever asked waits for
it no longer than that says; the engine is taken until the call is really over. A call without one runs in the thread
that asked, so that Ctrl-C reaches it. Own threads also keep their number, and with it the thread pools that torch
makes for each, as small as the number of lanes.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from tingshuo import cancellation as wanted
from tingshuo import metrics
from tingshuo.cancellation import Cancellation
from tingshuo.engine import Engine
from tingshuo.errors import EngineFailed, TingshuoError
from tingshuo.machine import processor_cores
from tingshuo.read_ahead import ReadAhead
from tingshuo.residency import Residency
from tingshuo.scheduling import Gate, Place
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")
Piece = TypeVar("Piece")


class Workplace:
    """One engine's. Thread-safe."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.residency = Residency(engine)
        lanes = (settings.engine_concurrency or processor_cores()) if engine.thread_safe else 1
        self.gate = Gate(engine.name, lanes=lanes, express=engine.thread_safe, room=settings.engine_queue)
        self._threads = ThreadPoolExecutor(lanes + engine.thread_safe, thread_name_prefix=engine.name)

    def call(self, call: Callable[[], T], *, long: bool = False, cancellation: Cancellation | None = None) -> T:
        """The result of a call into the engine, loaded before; what it raises unplanned becomes `EngineFailed`.

        long: it may take much longer than most. Raises what `Gate.enter` and `Residency.in_use` raise.
        """
        cancellation = cancellation or wanted.current()
        place = self._entered(long, cancellation)

        def work() -> T:
            with self._at_work(place):
                return _called(self.engine, call)

        if cancellation is None:
            return work()
        return self._awaited(self._started(place, cancellation, work), cancellation)

    def look(self, call: Callable[[], T], *, cancellation: Cancellation | None = None) -> T:
        """The result of a call of a few milliseconds: it waits for no lane where threads may share the engine."""
        if not self.engine.thread_safe:
            return self.call(call, cancellation=cancellation)
        with wanted.within(cancellation or wanted.current()), self.residency.in_use():
            return _called(self.engine, call)

    def stream(
        self, call: Callable[[], Iterator[Piece]], *, long: bool = False, cancellation: Cancellation | None = None
    ) -> Generator[Piece, None, object]:
        """What a call into the engine yields, and returns if it is a generator.

        The engine is taken from the first piece to the last one. With a cancellation the pieces are read ahead of a
        slow reader. Closing the iterator stops the engine at the next piece.
        """
        cancellation = cancellation or wanted.current()
        place = self._entered(long, cancellation)
        source = self._pieces(place, call)
        if cancellation is None:
            return (yield from source)
        ahead: ReadAhead[Piece, object] = ReadAhead(cancellation)
        self._started(place, cancellation, lambda: ahead.write(source))
        return (yield from ahead.read())

    def load(self) -> None:
        """Load the weights now, behind the calls that wait."""
        self.call(lambda: None)

    def _entered(self, long: bool, cancellation: Cancellation | None) -> Place:
        with metrics.timed(metrics.QUEUE_WAIT, f"engine:{self.engine.name}"):
            return self.gate.enter(long=long, cancellation=cancellation)

    def _pieces(self, place: Place, call: Callable[[], Iterator[Piece]]) -> Generator[Piece, None, object]:
        with self._at_work(place):
            pieces = _called(self.engine, lambda: iter(call()))
            try:
                while True:
                    try:
                        piece = _called(self.engine, lambda: next(pieces))
                    except StopIteration as end:
                        whole: object = end.value
                        return whole
                    yield piece
            finally:
                if isinstance(pieces, Generator):
                    pieces.close()

    def _started(self, place: Place, cancellation: Cancellation, work: Callable[[], T]) -> Future[T]:
        def run() -> T:
            with wanted.within(cancellation):
                return work()

        try:
            return self._threads.submit(copy_context().run, run)
        except BaseException:
            self.gate.leave(place)
            raise

    def _awaited(self, future: Future[T], cancellation: Cancellation) -> T:
        woken = threading.Event()
        future.add_done_callback(lambda _: woken.set())
        with cancellation.watched(woken.set):
            while not future.done():
                woken.wait(cancellation.remaining)
                if not future.done():
                    cancellation.check(f"{self.engine.name} was still working on it")
        return future.result()

    @contextlib.contextmanager
    def _at_work(self, place: Place) -> Iterator[None]:
        try:
            with self.residency.in_use():
                yield
        finally:
            self.gate.leave(place)


def _called(engine: Engine, call: Callable[[], T]) -> T:
    """The result of a call into an engine; what it raises unplanned becomes `EngineFailed`."""
    try:
        return call()
    except (TingshuoError, StopIteration):  # the second ends a generator
        raise
    except Exception as error:  # an engine is a plugin: foreign code
        log.exception("%s failed", engine.name)
        raise EngineFailed(f"{engine.name} failed: {type(error).__name__}: {error}") from error
