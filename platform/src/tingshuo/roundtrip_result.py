"""What a round trip found, utterance by utterance and in tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tingshuo.engine import Engine
from tingshuo.scoring import FAILED, Edits, accuracy, confusion, total
from tingshuo.types import Emotion

#: How many items the list of worst cases holds.
WORST = 20


@dataclass(frozen=True, slots=True)
class EngineUsed:
    """An engine and its weights, as they were during the run."""

    name: str
    version: str
    model: str
    origin: str

    @classmethod
    def of(cls, engine: Engine) -> EngineUsed:
        """What `engine` works with."""
        model = engine.model()
        return cls(engine.name, engine.version, model.name, model.origin)


@dataclass(frozen=True, slots=True)
class RoundtripItem:
    """One utterance: what was said and what was heard.

    `syllables` is None outside Mandarin, `words` for languages without spaces. `error` is "" unless the utterance
    could not be spoken or recognised. `audio` is the mp3 where it was kept.
    """

    sentence: str
    voice: str
    emotion: Emotion
    cer: Edits
    syllables: Edits | None
    words: Edits | None
    heard: str = ""
    heard_language: str | None = None
    heard_emotion: Emotion | None = None
    emotion_scores: Mapping[str, float] = field(default_factory=dict)
    audio_seconds: float = 0.0
    synthesis_seconds: float = 0.0
    recognition_seconds: float = 0.0
    error: str = ""
    audio: bytes | None = field(default=None, repr=False)

    @property
    def heard_as(self) -> str | None:
        """The column of the confusion matrix: an emotion, None for unknown, "failed"."""
        return FAILED if self.error else self.heard_emotion

    @property
    def badness(self) -> tuple[float, bool]:
        """Sorts items: worse text first, then a wrong emotion."""
        return self.cer.rate, self.heard_as != self.emotion


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the figures of a voice or of an emotion."""

    name: str
    n: int
    failed: int
    cer: float
    syllable_error_rate: float | None
    wer: float | None
    emotion_accuracy: float | None


@dataclass(frozen=True, slots=True)
class RoundtripResult:
    """All items of a run and the figures over them: total edits / total length, seconds / seconds."""

    language: str
    intensity: float
    synthesizer: EngineUsed
    recognizer: EngineUsed
    items: tuple[RoundtripItem, ...]

    @property
    def n(self) -> int:
        """How many utterances."""
        return len(self.items)

    @property
    def failures(self) -> tuple[RoundtripItem, ...]:
        """The utterances that could not be spoken or recognised."""
        return tuple(item for item in self.items if item.error)

    @property
    def overall(self) -> Row:
        """The figures over everything."""
        return _row("all", self.items, self.hears_emotion)

    @property
    def cer(self) -> float:
        """Character error rate."""
        return self.overall.cer

    @property
    def syllable_error_rate(self) -> float | None:
        """Toneless syllable error rate; None unless all of it is Mandarin."""
        return self.overall.syllable_error_rate

    @property
    def wer(self) -> float | None:
        """Word error rate; None for a language written without spaces."""
        return self.overall.wer

    @property
    def hears_emotion(self) -> bool:
        """Whether the recogniser spoke of emotions at all."""
        return any(item.heard_emotion or item.emotion_scores for item in self.items)

    @property
    def emotion_accuracy(self) -> float | None:
        """Share of utterances heard as the emotion they were spoken with; None if none was ever heard."""
        return self.overall.emotion_accuracy

    @property
    def confusion(self) -> dict[str, dict[str, int]]:
        """Spoken emotion -> heard emotion -> count."""
        return _confusion(self.items)

    @property
    def per_voice(self) -> list[Row]:
        """The figures of each voice, in the order of the plan."""
        return self._table("voice")

    @property
    def per_emotion(self) -> list[Row]:
        """The figures of each spoken emotion."""
        return self._table("emotion")

    def _table(self, key: str) -> list[Row]:
        names = dict.fromkeys(str(getattr(item, key)) for item in self.items)
        groups = {name: [item for item in self.items if str(getattr(item, key)) == name] for name in names}
        return [_row(name, items, self.hears_emotion) for name, items in groups.items()]

    @property
    def worst(self) -> list[RoundtripItem]:
        """The items with the most errors, worst first; none that is right in text and emotion."""
        wrong = [item for item in self.items if item.cer.errors or (self.hears_emotion and item.badness[1])]
        return sorted(wrong, key=lambda item: item.badness, reverse=True)[:WORST]

    @property
    def timings(self) -> dict[str, float]:
        """Seconds of sound and of work, and the real-time factors (work / sound)."""
        audio = sum(item.audio_seconds for item in self.items)
        synthesis = sum(item.synthesis_seconds for item in self.items)
        recognized = [item for item in self.items if not item.error]
        recognition = sum(item.recognition_seconds for item in recognized)
        heard = sum(item.audio_seconds for item in recognized)
        return {
            "audio_seconds": audio,
            "synthesis_seconds": synthesis,
            "recognition_seconds": recognition,
            "synthesis_rtf": synthesis / audio if audio else 0.0,
            "recognition_rtf": recognition / heard if heard else 0.0,
        }

    def summary(self) -> dict[str, Any]:
        """The figures without the items, JSON-ready."""
        return {
            "n": self.n,
            "failed": len(self.failures),
            "language": self.language,
            "intensity": self.intensity,
            "cer": self.cer,
            "syllable_error_rate": self.syllable_error_rate,
            "wer": self.wer,
            "emotion_accuracy": self.emotion_accuracy,
            "confusion": self.confusion,
            "per_voice": [asdict(row) for row in self.per_voice],
            "per_emotion": [asdict(row) for row in self.per_emotion],
            "timings": self.timings,
            "synthesizer": asdict(self.synthesizer),
            "recognizer": asdict(self.recognizer),
        }


def _confusion(items: Iterable[RoundtripItem]) -> dict[str, dict[str, int]]:
    return confusion((item.emotion, item.heard_as) for item in items)


def _row(name: str, items: Iterable[RoundtripItem], hears_emotion: bool) -> Row:
    of = list(items)
    return Row(
        name=name,
        n=len(of),
        failed=sum(bool(item.error) for item in of),
        cer=total(item.cer for item in of).rate,
        syllable_error_rate=_rate([item.syllables for item in of]),
        wer=_rate([item.words for item in of]),
        emotion_accuracy=accuracy(_confusion(of)) if hears_emotion else None,
    )


def _rate(counted: list[Edits | None]) -> float | None:
    known = [edits for edits in counted if edits is not None]
    return total(known).rate if known and len(known) == len(counted) else None
