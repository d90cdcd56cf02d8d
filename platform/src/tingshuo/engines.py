"""The engines at work: found by name, loaded once, called one at a time, their input validated and resampled.

The second of the three hops from HTTP to the model (API -> Engines -> engine).
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from tingshuo.audio import resample
from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    InvalidAudio,
    TingshuoError,
    UnknownEngine,
)
from tingshuo.plugins import Plugins, load_plugins
from tingshuo.settings import Settings
from tingshuo.types import Audio, Model, TranscribeOptions, Transcript, Utterance
from tingshuo.validation import check_languages, validated

log = logging.getLogger(__name__)

State: TypeAlias = Literal["ready", "not_loaded", "unavailable"]
E_ = TypeVar("E_", bound=Engine)
T = TypeVar("T")

#: 25 ms at 16 kHz, one analysis window: kaldi-native-fbank ends the process on less.
MIN_SAMPLES = 400

#: Names OpenAI's clients send when nobody configured them; they mean "the default one".
RECOGNIZER_ALIASES = frozenset(
    {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"}
)
SYNTHESIZER_ALIASES = frozenset({"tts-1", "tts-1-hd", "gpt-4o-mini-tts"})


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One line of `tingshuo engines`. `engine` is None for a plugin that could not be imported."""

    name: str
    engine: Engine | None
    state: State
    model: Model | None = None
    reason: str = ""


@dataclass(slots=True)
class _Slot:
    """An engine, the lock that lets one call in at a time, and how many calls hold or await it."""

    engine: Engine
    lock: threading.Lock = field(default_factory=threading.Lock)
    guard: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0
    loaded: bool = False
    reason: str = ""


class Engines:
    """All engines of one process. Thread-safe."""

    def __init__(self, settings: Settings, plugins: Plugins | None = None) -> None:
        self.settings = settings
        plugins = load_plugins(settings) if plugins is None else plugins
        self.failures = plugins.failures
        self._slots = {name: _Slot(engine) for name, engine in plugins.engines.items()}

    # ---- what there is

    def status(self) -> list[EngineStatus]:
        """Every engine and every plugin that failed, by name."""
        rows = [self._status_of(slot) for slot in self._slots.values()]
        rows += [EngineStatus(item.plugin, None, "unavailable", reason=item.reason) for item in self.failures]
        return sorted(rows, key=lambda row: row.name)

    def _status_of(self, slot: _Slot) -> EngineStatus:
        name = slot.engine.name
        try:
            model = slot.engine.model()
        except TingshuoError as error:
            return EngineStatus(name, slot.engine, "unavailable", reason=error.message)
        if slot.reason:
            return EngineStatus(name, slot.engine, "unavailable", model, slot.reason)
        return EngineStatus(name, slot.engine, "ready" if slot.loaded else "not_loaded", model)

    def recognizer(self, name: str = "") -> Recognizer:
        """The recognizer called `name`; the default one for "" and for OpenAI's own model names."""
        name = "" if name in RECOGNIZER_ALIASES else name
        # mypy takes a class passed as an argument for one to be constructed; it is only compared with.
        return self._find(Recognizer, name, self.settings.default_recognizer)  # type: ignore[type-abstract]

    def synthesizer(self, name: str = "") -> Synthesizer:
        """The synthesizer called `name`; the default one for "" and for OpenAI's own model names."""
        name = "" if name in SYNTHESIZER_ALIASES else name
        return self._find(Synthesizer, name, self.settings.default_synthesizer)  # type: ignore[type-abstract]

    def _find(self, kind: type[E_], name: str, default: str) -> E_:
        of_kind = {key: slot.engine for key, slot in self._slots.items() if isinstance(slot.engine, kind)}
        name = name or default or self._first_usable(of_kind)
        if name not in of_kind:
            known = ", ".join(sorted(of_kind)) or "none is installed"
            raise UnknownEngine(f"no {kind.__name__.lower()} {name!r}; there are: {known}", param="model")
        return of_kind[name]

    def _first_usable(self, engines: dict[str, E_]) -> str:
        usable = [name for name in engines if self._status_of(self._slots[name]).state != "unavailable"]
        # eSpeak sounds worst of all, so a neural voice is preferred where there is one.
        return min(usable or engines, key=lambda name: (name == "espeak", name), default="")

    # ---- the two things engines do

    def transcribe(self, audio: Audio, options: TranscribeOptions, engine: str = "") -> Transcript:
        """Recognise `audio` of any sample rate."""
        recognizer = self.recognizer(engine)
        check_languages(recognizer, options)
        if len(audio.samples) == 0:
            raise InvalidAudio("the audio is empty; send at least 25 ms of sound", param="file")
        ready = resample(audio, recognizer.sample_rate)
        if len(ready.samples) < MIN_SAMPLES:
            seconds = MIN_SAMPLES / recognizer.sample_rate
            raise InvalidAudio(
                f"the audio is {audio.duration:.4f} s long; at least {seconds:.3f} s are needed", param="file"
            )
        with self._in_use(recognizer):
            return _called(recognizer, lambda: recognizer.transcribe(ready, options))

    def synthesize(self, utterance: Utterance, engine: str = "") -> Audio:
        """Speak `utterance`; its voice may be "" for the engine's default."""
        synthesizer = self.synthesizer(engine)
        ready = self.validated(synthesizer, utterance)
        with self._in_use(synthesizer):
            return _called(synthesizer, lambda: synthesizer.synthesize(ready))

    def synthesize_stream(self, utterance: Utterance, engine: str = "") -> Iterator[Audio]:
        """Speak in pieces. The engine is taken until the iterator ends or is closed."""
        synthesizer = self.synthesizer(engine)
        ready = self.validated(synthesizer, utterance)
        return self._stream(synthesizer, ready)

    def _stream(self, synthesizer: Synthesizer, utterance: Utterance) -> Iterator[Audio]:
        with self._in_use(synthesizer):
            pieces = _called(synthesizer, lambda: iter(synthesizer.synthesize_stream(utterance)))
            while (piece := _called(synthesizer, lambda: next(pieces, None))) is not None:
                yield piece

    def validated(self, synthesizer: Synthesizer, utterance: Utterance) -> Utterance:
        """The utterance with its voice resolved; raises what the caller did wrong, before any queueing."""
        return validated(synthesizer, utterance, self.settings.max_text_characters)

    # ---- life of an engine

    def load(self, name: str) -> None:
        """Load an engine now instead of on its first request."""
        if name not in self._slots:
            raise UnknownEngine(f"no engine {name!r}; there are: {', '.join(sorted(self._slots))}", param="model")
        with self._in_use(self._slots[name].engine):
            pass

    def close(self) -> None:
        """Free every engine, waiting for the call in progress."""
        for slot in self._slots.values():
            with slot.lock:
                if slot.loaded:
                    slot.engine.close()
                    slot.loaded = False

    @contextlib.contextmanager
    def _in_use(self, engine: Engine) -> Iterator[None]:
        slot = self._slots[engine.name]
        with slot.guard:
            if slot.waiting >= self.settings.engine_queue:
                raise EngineBusy(f"{engine.name} has {slot.waiting} requests waiting; try again soon", retry_after=5)
            slot.waiting += 1
        try:
            with slot.lock:
                self._loaded(slot)
                yield
        finally:
            with slot.guard:
                slot.waiting -= 1

    def _loaded(self, slot: _Slot) -> None:
        if slot.loaded:
            return
        try:
            slot.engine.load()
        except TingshuoError as error:
            slot.reason = error.message
            raise EngineUnavailable(f"{slot.engine.name} cannot be used: {error.message}", param="model") from error
        except Exception as error:  # an engine is a plugin: foreign code
            slot.reason = f"{type(error).__name__}: {error}"
            raise EngineUnavailable(f"{slot.engine.name} cannot be used: {slot.reason}", param="model") from error
        slot.loaded, slot.reason = True, ""
        model = slot.engine.model()
        log.info("loaded %s: %s model %s", slot.engine.name, model.origin, model.name)


def _called(engine: Engine, call: Callable[[], T]) -> T:
    """The result of a call into an engine; what it raises unplanned becomes `EngineFailed`."""
    try:
        return call()
    except TingshuoError:
        raise
    except Exception as error:  # an engine is a plugin: foreign code
        log.exception("%s failed", engine.name)
        raise EngineFailed(f"{engine.name} failed: {type(error).__name__}: {error}") from error
