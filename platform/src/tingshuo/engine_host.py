"""Keeps the process of an isolated engine running as long as it is wanted."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from tingshuo.breaker import Breaker
from tingshuo.engine_process import EngineProcess
from tingshuo.messages import Header, Value
from tingshuo.settings import Settings
from tingshuo.types import Samples

#: Settings that an engine has no use for.
_SECRETS = frozenset({"secret", "database_url", "broker_url", "webhook_secret"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which engine to start: by the plugin that brings it."""

    engine: str
    plugin: EntryPoint
    settings: Settings

    def header(self) -> Header:
        """What the new process is told."""
        return {
            "engine": self.engine,
            "plugin": {"name": self.plugin.name, "value": self.plugin.value, "group": self.plugin.group},
            "settings": self.settings.model_dump(mode="json", exclude=set(_SECRETS)),
            "path": sys.path,
        }


class Host:
    """Keeps the process of one engine running as long as it is wanted. Thread-safe."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._breaker = Breaker(recipe.engine)
        self._lock = threading.Lock()
        self._process: EngineProcess | None = None

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.usable

    @property
    def memory_bytes(self) -> int | None:
        """Bytes the process takes; None without one."""
        return self._process.memory_bytes if self._process else None

    @property
    def trouble(self) -> str:
        """Why no process is started now; "" where one would be."""
        return self._breaker.trouble

    def start(self) -> EngineProcess:
        """The process, its engine loaded; a new one where there is none, or none that takes calls."""
        with self._lock:
            if self._process is None or not self._process.usable:
                self._breaker.check()
                self._process = None
                process = EngineProcess(self._recipe.engine, self._breaker.crashed)
                try:
                    for _ in process.run({"kind": "load", **self._recipe.header()}):
                        pass
                except BaseException:
                    process.end()
                    raise
                self._process = process
            return self._process

    def run(self, header: Header, samples: Samples | None = None) -> Generator[Value, None, Value]:
        """A call, see `EngineProcess.run`."""
        value = yield from self.start().run(header, samples)
        self._breaker.worked()
        return value

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
        if process:
            process.end()
