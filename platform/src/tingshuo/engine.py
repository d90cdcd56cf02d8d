"""What a plugin subclasses: `Recognizer` and `Synthesizer`.

The platform promises an engine: `load()` before the first call, one call at a time per instance unless it says that it
is `thread_safe`, `close()` when no call is in progress; a recognizer gets mono float32 at its own `sample_rate`, at
least 400 samples; a synthesizer gets text that is not blank and a voice, emotion and range of numbers it declared.
Anything an engine raises that is not a `TingshuoError` reaches the caller as `EngineFailed`, never as a crash. An
engine that works long calls `tingshuo.cancellation.check()` now and then, which ends work that nobody waits for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from typing import ClassVar, Literal

from tingshuo.types import Audio, Model, Segment, TranscribeOptions, Transcript, Utterance, Voice, VoiceActivity


class Engine(ABC):
    """Common to both kinds. Constructing one is cheap: no weights are read before `load()`."""

    #: Unique name, lower case: what API callers pass as `model`.
    name: ClassVar[str]
    kind: ClassVar[Literal["recognizer", "synthesizer"]]
    version: ClassVar[str]
    #: Licence of the engine's code and weights, and where they come from.
    licence: ClassVar[str]
    source: ClassVar[str]
    #: Hub ids that `tingshuo models pull` fetches for this engine; the first is the model itself.
    hub_models: ClassVar[tuple[str, ...]] = ()
    #: Hz: what a recognizer takes, what a synthesizer gives.
    sample_rate: int
    device: str = "cpu"
    #: Whether several threads may call it at once when it is loaded.
    thread_safe: bool = False

    @abstractmethod
    def model(self) -> Model:
        """The weights this engine uses; raises `ModelError` where there are none. Looks, does not load."""

    def load(self) -> None:  # noqa: B027 - an engine without weights has nothing to load
        """Read the weights. Called once before the first request, again after `close()`."""

    def close(self) -> None:  # noqa: B027
        """Free what `load()` took."""


class Recognizer(Engine):
    """Audio in, transcript out."""

    kind = "recognizer"
    #: Language codes it accepts besides "auto".
    languages: tuple[str, ...]
    #: Whether it heeds `TranscribeOptions.logprobs`, and whether it heeds `.vad`.
    gives_logprobs: ClassVar[bool] = False
    takes_vad: ClassVar[bool] = False
    #: Whether it has `find_speech`.
    finds_speech: ClassVar[bool] = False

    @abstractmethod
    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        """Recognise `audio`, mono at `self.sample_rate`."""

    def transcribe_batch(self, audios: Sequence[Audio], options: TranscribeOptions) -> list[Transcript]:
        """Recognise several clips; override where one pass over many is faster than many passes."""
        return [self.transcribe(audio, options) for audio in audios]

    def transcribe_stream(self, audio: Audio, options: TranscribeOptions) -> Generator[Segment, None, Transcript]:
        """Recognise in parts: each segment once it is known, in order of time, then the whole as the return value.

        Override where the first segment of long audio can come early.
        """
        transcript = self.transcribe(audio, options)
        yield from transcript.segments
        return transcript

    def find_speech(self, audio: Audio, activity: VoiceActivity) -> Sequence[tuple[float, float]]:
        """Where somebody speaks in `audio`, as (start, end) in seconds, in order and not overlapping.

        Speech that still goes on at the end of the audio, pauses shorter than `activity.silence` included, ends there.
        Asked several times a second while somebody speaks to the realtime API, so it should take milliseconds.
        Override together with `finds_speech`.
        """
        raise NotImplementedError(f"{self.name} does not find speech")


class Synthesizer(Engine):
    """Text in, audio out."""

    kind = "synthesizer"
    #: Keys accepted in `Utterance.extra`.
    extra_keys: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def voices(self) -> Sequence[Voice]:
        """The voices, the default one first. Cheap; does not load."""

    @abstractmethod
    def synthesize(self, utterance: Utterance) -> Audio:
        """Speak the utterance."""

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        """Speak in pieces that joined equal `synthesize`; override where the first piece can come early."""
        yield self.synthesize(utterance)
