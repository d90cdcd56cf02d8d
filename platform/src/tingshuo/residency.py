"""Whether an engine's weights are in memory: loaded once by the first call, unloaded when nobody uses it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence

from tingshuo import metrics
from tingshuo.engine import Engine
from tingshuo.errors import EngineCrashed, EngineUnavailable, TingshuoError
from tingshuo.machine import give_memory_back

log = logging.getLogger(__name__)


class Residency:
    """One engine's. `reason` says why it could not be loaded; `last_used` is in Unix seconds."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.loaded = False
        self.reason = ""
        self.last_used: float | None = None
        self._idle_since = 0.0
        self._users = 0
        self._leaving = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Loaded for the block; raises `EngineUnavailable` where that cannot be."""
        with self._changed:
            self._load()
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self.last_used, self._idle_since = time.time(), time.monotonic()
                if self._leaving and not self._users:
                    self._unload()
                self._changed.notify_all()

    def unload(self) -> bool:
        """Free what the engine loaded; with calls in progress, at the end of the last one: then the answer is False."""
        with self._changed:
            if self._users:
                self._leaving = True
                return False
            self._unload()
            return True

    def unload_after(self, idle: float) -> float:
        """Unload if unused for `idle` seconds; gives the seconds after which that may next be so."""
        with self._changed:
            if self._users or not self.loaded:
                return idle
            left = self._idle_since + idle - time.monotonic()
            if left > 0:
                return left
            log.info("unloading %s, unused for %g s", self.engine.name, idle)
            self._unload()
            return idle

    def close(self) -> None:
        """Wait for the calls in progress and close the engine; its memory goes with the process, which is to end."""
        with self._changed:
            self._changed.wait_for(lambda: not self._users)
            self._close()

    def _load(self) -> None:
        if self.loaded:
            return
        name = self.engine.name
        try:
            with metrics.timed(metrics.LOAD_SECONDS, name):
                self.engine.load()
        except EngineCrashed:  # the next attempt may succeed
            raise
        except TingshuoError as error:
            self.reason = error.message
            raise EngineUnavailable(f"{name} cannot be used: {error.message}", param="model") from error
        except Exception as error:  # an engine is a plugin: foreign code
            self.reason = f"{type(error).__name__}: {error}"
            raise EngineUnavailable(f"{name} cannot be used: {self.reason}", param="model") from error
        self.loaded, self.reason, self._idle_since = True, "", time.monotonic()
        model = self.engine.model()
        log.info("loaded %s: %s model %s", name, model.origin, model.name)

    def _unload(self) -> None:
        if self.loaded:
            self._close()
            give_memory_back()

    def _close(self) -> None:
        self._leaving = False
        if not self.loaded:
            return
        self.loaded = False
        try:
            self.engine.close()
        except Exception:  # an engine is a plugin: foreign code
            log.exception("%s failed while closing", self.engine.name)


class IdleWatch:
    """A thread that unloads what was unused for `seconds`, from `start` to `stop`."""

    def __init__(self, residencies: Sequence[Residency], seconds: float) -> None:
        self._residencies, self._seconds = residencies, seconds
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has; does nothing where `seconds` is 0."""
        with self._lock:
            if self._seconds and self._thread is None:
                self._stopped.clear()
                self._thread = threading.Thread(target=self._watch, name="idle-watch", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, and wait for the unloading in progress."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopped.set()
        if thread:
            thread.join()

    def _watch(self) -> None:
        wait = self._seconds
        while not self._stopped.wait(wait):
            wait = min(one.unload_after(self._seconds) for one in self._residencies)
