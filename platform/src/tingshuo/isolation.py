"""Engines in a process of their own: a crash costs one request, unloading gives back all memory, hung calls end.

`isolated(engine, recipe)` is an engine like any other. What it declares comes from `engine`, which is never loaded in
this process; what it does happens in another one, where the plugin makes the engine anew.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from typing import cast

from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.engine_host import Host, Recipe
from tingshuo.messages import OPTIONS, UTTERANCE, Header, Spans, Value
from tingshuo.settings import Settings
from tingshuo.types import Audio, Model, Segment, TranscribeOptions, Transcript, Utterance, Voice, VoiceActivity


class Isolated(Engine):
    """What both kinds share. `original` is the engine as the plugin made it, not loaded."""

    def __init__(self, original: Engine, host: Host) -> None:
        self.original, self.host = original, host
        self.device, self.thread_safe = original.device, original.thread_safe

    @property
    def sample_rate(self) -> int:  # type: ignore[override]  # a plugin may have to look for it too
        """Hz."""
        return self.original.sample_rate

    def model(self) -> Model:
        """That of the original: it only looks."""
        return self.original.model()

    def load(self) -> None:
        """Start the process and load the engine there."""
        self.host.start()

    def close(self) -> None:
        """End the process."""
        self.host.stop()


class IsolatedRecognizer(Isolated, Recognizer):
    """A recognizer elsewhere."""

    @property
    def languages(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the original."""
        return cast(Recognizer, self.original).languages

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        return cast(Transcript, _whole(self.host.run(_call("transcribe", audio, options), audio.samples)))

    def transcribe_stream(self, audio: Audio, options: TranscribeOptions) -> Generator[Segment, None, Transcript]:
        segments = self.host.run(_call("transcribe_stream", audio, options), audio.samples)
        return (yield from cast(Generator[Segment, None, Transcript], segments))

    def find_speech(self, audio: Audio, activity: VoiceActivity) -> Sequence[tuple[float, float]]:
        header = {"kind": "find_speech", "sample_rate": audio.sample_rate, "activity": asdict(activity)}
        return cast(Spans, _whole(self.host.run(header, audio.samples))).spans


class IsolatedSynthesizer(Isolated, Synthesizer):
    """A synthesizer elsewhere."""

    def voices(self) -> Sequence[Voice]:
        return cast(Synthesizer, self.original).voices()

    def synthesize(self, utterance: Utterance) -> Audio:
        return cast(Audio, _whole(self.host.run(_said("synthesize", utterance))))

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        yield from cast(Iterator[Audio], self.host.run(_said("synthesize_stream", utterance)))


def isolates(settings: Settings, name: str) -> bool:
    """Whether the engine called `name` is to have a process of its own."""
    return "process" in settings.engine_isolation or name in settings.engine_isolation


def isolated(engine: Engine, recipe: Recipe) -> Engine:
    """`engine` in a process of its own, which `recipe` makes."""
    kind = IsolatedRecognizer if isinstance(engine, Recognizer) else IsolatedSynthesizer
    declared = {name: getattr(engine, name) for name in _declarations() if hasattr(engine, name)}
    made = cast(type[Isolated], type(type(engine).__name__, (kind,), declared))
    return made(engine, Host(recipe))


def _declarations() -> Iterator[str]:
    """The names of what an engine's class says about it."""
    for kind in (Engine, Recognizer, Synthesizer):
        yield from (name for name, hint in kind.__annotations__.items() if str(hint).startswith("ClassVar"))


def _call(kind: str, audio: Audio, options: TranscribeOptions) -> Header:
    return {"kind": kind, "sample_rate": audio.sample_rate, "options": OPTIONS.dump_python(options, mode="json")}


def _said(kind: str, utterance: Utterance) -> Header:
    return {"kind": kind, "utterance": UTTERANCE.dump_python(utterance, mode="json")}


def _whole(run: Generator[Value, None, Value]) -> Value:
    try:
        while True:
            next(run)
    except StopIteration as end:
        value: Value = end.value
        return value
