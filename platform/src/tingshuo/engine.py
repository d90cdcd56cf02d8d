"""What a plugin subclasses: `Recognizer` and `Synthesizer`.

The platform promises an engine: one call at a time per instance, `load()` before the first one; a recognizer
gets mono float32 at its own `sample_rate`, at least 400 samples; a synthesizer gets text that is not blank and a
voice, emotion and range of numbers it declared. Anything an engine raises that is not a `TingshuoError` reaches
the caller as `EngineFailed`, never as a crash.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from tingshuo.types import Audio, Model, TranscribeOptions, Transcript, Utterance, Voice


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

    @abstractmethod
    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        """Recognise `audio`, mono at `self.sample_rate`."""

    def transcribe_batch(self, audios: Sequence[Audio], options: TranscribeOptions) -> list[Transcript]:
        """Recognise several clips; override where one pass over many is faster than many passes."""
        return [self.transcribe(audio, options) for audio in audios]


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
