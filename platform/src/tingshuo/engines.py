"""The engines at work: found by name, their input validated and resampled, called where each one works.

The second of the three hops from HTTP to the model (API -> Engines -> engine).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar, cast

from tingshuo import hotwords, preprocessing
from tingshuo.audio import resample
from tingshuo.cancellation import Cancellation
from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.engine_status import EngineStatus, State, status_of
from tingshuo.errors import InvalidAudio, NamedModelMissing, TingshuoError, UnknownEngine
from tingshuo.plugins import Plugins, load_plugins
from tingshuo.residency import IdleWatch
from tingshuo.settings import Settings
from tingshuo.types import Audio, Segment, TranscribeOptions, Transcript, Utterance, VoiceActivity
from tingshuo.validation import check_options, validated
from tingshuo.workplace import Workplace

__all__ = [
    "MIN_SAMPLES",
    "RECOGNIZER_ALIASES",
    "SYNTHESIZER_ALIASES",
    "EngineStatus",
    "Engines",
    "State",
]

E_ = TypeVar("E_", bound=Engine)

#: 25 ms at 16 kHz, one analysis window: kaldi-native-fbank ends the process on less.
MIN_SAMPLES = 400

#: Seconds of audio and characters of text from which a call must not hold up the short ones.
LONG_SECONDS, LONG_CHARACTERS = 60.0, 500

#: Names OpenAI's clients send when nobody configured them; they mean "the default one".
RECOGNIZER_ALIASES = frozenset(
    "whisper-1 gpt-transcribe gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4o-mini-transcribe-2025-12-15 "
    "gpt-4o-transcribe-diarize".split()
)
SYNTHESIZER_ALIASES = frozenset("tts-1 tts-1-hd gpt-4o-mini-tts gpt-4o-mini-tts-2025-12-15".split())


class Engines:
    """All engines of one process. Thread-safe."""

    def __init__(self, settings: Settings, plugins: Plugins | None = None) -> None:
        self.settings = settings
        plugins = load_plugins(settings) if plugins is None else plugins
        self.failures = plugins.failures
        self._workplaces = {name: Workplace(engine, settings) for name, engine in plugins.engines.items()}
        residencies = [workplace.residency for workplace in self._workplaces.values()]
        self._idle_watch = IdleWatch(residencies, settings.engine_ttl_s)

    # ---- what there is

    def status(self) -> list[EngineStatus]:
        """Every engine and every plugin that failed, by name."""
        rows = [status_of(workplace) for workplace in self._workplaces.values()]
        rows += [EngineStatus(item.plugin, None, "unavailable", reason=item.reason) for item in self.failures]
        return sorted(rows, key=lambda row: row.name)

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
        engines = [workplace.engine for workplace in self._workplaces.values()]
        of_kind = {engine.name: engine for engine in engines if isinstance(engine, kind)}
        name = name or default or self._first_usable(of_kind)
        if name not in of_kind:
            known = ", ".join(sorted(of_kind)) or "none is installed"
            raise UnknownEngine(f"no {kind.__name__.lower()} {name!r}; there are: {known}", param="model")
        return of_kind[name]

    def _first_usable(self, engines: dict[str, E_]) -> str:
        usable = [name for name in engines if status_of(self._workplaces[name]).state != "unavailable"]
        # eSpeak sounds worst of all, so a neural voice is preferred where there is one.
        return min(usable or engines, key=lambda name: (name == "espeak", name), default="")

    def require_named_models(self) -> None:
        """Raise `NamedModelMissing` where a setting names a model that is not there: that is a mistake to be told of.

        An engine that finds no model by itself is only unavailable.
        """
        for workplace in self._workplaces.values():
            try:
                workplace.engine.model()
            except NamedModelMissing as error:
                raise NamedModelMissing(f"{workplace.engine.name}: {error.message}") from error
            except TingshuoError:
                continue

    # ---- what engines do

    def transcribe(
        self, audio: Audio, options: TranscribeOptions, engine: str = "", *, cancellation: Cancellation | None = None
    ) -> Transcript:
        """Recognise `audio` of any sample rate; no longer than `cancellation`, or that of the context, says."""
        recognizer = self.recognizer(engine)
        ready = _ready(recognizer, audio, options)
        heard = self._workplace(recognizer).call(
            lambda: recognizer.transcribe(ready, options), long=_is_long(audio), cancellation=cancellation
        )
        return hotwords.corrected(heard, options)

    def transcribe_stream(
        self, audio: Audio, options: TranscribeOptions, engine: str = "", *, cancellation: Cancellation | None = None
    ) -> Generator[Segment, None, Transcript]:
        """Recognise segment by segment; the whole is the return value. Checks the request before the first one."""
        recognizer = self.recognizer(engine)
        ready = _ready(recognizer, audio, options)
        segments = self._workplace(recognizer).stream(
            lambda: recognizer.transcribe_stream(ready, options), long=_is_long(audio), cancellation=cancellation
        )
        return hotwords.corrected_stream(cast(Generator[Segment, None, Transcript], segments), options)

    def find_speech(
        self, audio: Audio, activity: VoiceActivity, engine: str = "", *, cancellation: Cancellation | None = None
    ) -> Sequence[tuple[float, float]]:
        """Where somebody speaks, as (start, end) in seconds, told by a recognizer that `finds_speech`."""
        recognizer = self.recognizer(engine)
        ready = resample(audio, recognizer.sample_rate)
        if len(ready.samples) < MIN_SAMPLES:
            return []
        return self._workplace(recognizer).look(
            lambda: recognizer.find_speech(ready, activity), cancellation=cancellation
        )

    def synthesize(self, utterance: Utterance, engine: str = "", *, cancellation: Cancellation | None = None) -> Audio:
        """Speak `utterance`; its voice may be "" for the engine's default."""
        synthesizer = self.synthesizer(engine)
        ready = self.validated(synthesizer, utterance)
        return self._workplace(synthesizer).call(
            lambda: synthesizer.synthesize(ready), long=_is_long(ready), cancellation=cancellation
        )

    def synthesize_stream(
        self, utterance: Utterance, engine: str = "", *, cancellation: Cancellation | None = None
    ) -> Iterator[Audio]:
        """Speak in pieces; see `Workplace.stream`. Checks the utterance before the first one."""
        synthesizer = self.synthesizer(engine)
        ready = self.validated(synthesizer, utterance)
        return self._workplace(synthesizer).stream(
            lambda: synthesizer.synthesize_stream(ready), long=_is_long(ready), cancellation=cancellation
        )

    def validated(self, synthesizer: Synthesizer, utterance: Utterance) -> Utterance:
        """The utterance with its voice resolved; raises what the caller did wrong, before any queueing."""
        return validated(synthesizer, utterance, self.settings.max_text_characters)

    # ---- life of an engine

    def load(self, name: str) -> None:
        """Load an engine now instead of on its first request."""
        self._named(name).load()

    def unload(self, name: str) -> bool:
        """Free what an engine loaded; with calls in progress at the end of the last one: then the answer is False."""
        return self._named(name).residency.unload()

    def close(self) -> None:
        """Free every engine, waiting for the calls in progress."""
        self._idle_watch.stop()
        for workplace in self._workplaces.values():
            workplace.residency.close()

    def _named(self, name: str) -> Workplace:
        if name not in self._workplaces:
            raise UnknownEngine(f"no engine {name!r}; there are: {', '.join(sorted(self._workplaces))}", param="model")
        return self._workplaces[name]

    def _workplace(self, engine: Engine) -> Workplace:
        self._idle_watch.start()
        return self._workplaces[engine.name]


def _is_long(work: Audio | Utterance) -> bool:
    return work.duration > LONG_SECONDS if isinstance(work, Audio) else len(work.text) > LONG_CHARACTERS


def _ready(recognizer: Recognizer, audio: Audio, options: TranscribeOptions) -> Audio:
    """The audio as the recognizer takes it; raises what the caller did wrong."""
    check_options(recognizer, options)
    if len(audio.samples) == 0:
        raise InvalidAudio("the audio is empty; send at least 25 ms of sound", param="file")
    ready = resample(audio, recognizer.sample_rate)
    if len(ready.samples) < MIN_SAMPLES:
        seconds = MIN_SAMPLES / recognizer.sample_rate
        raise InvalidAudio(
            f"the audio is {audio.duration:.4f} s long; at least {seconds:.3f} s are needed", param="file"
        )
    return preprocessing.prepared(ready, options)
