"""The values that travel between the platform and its engines.

Every type is frozen and free of torch, so a plugin can be imported, listed and validated without loading a
model. Times are seconds, sample rates are Hz, scores are probabilities in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.float32]
Timing: TypeAlias = Literal["model", "vad"] | None
Origin: TypeAlias = Literal["official", "starter", "folder", "embedded"]

#: Key of `Segment.emotion_scores` for "the model heard none of the emotions it knows".
UNKNOWN = "unknown"


class Emotion(StrEnum):
    """Ekman's six basic emotions and neutral. An emotion that could not be told is `None`, not a member."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEARFUL = "fearful"
    DISGUSTED = "disgusted"
    SURPRISED = "surprised"


class EventLabel(StrEnum):
    """What else can be heard beside speech."""

    MUSIC = "music"
    SINGING = "singing"
    APPLAUSE = "applause"
    LAUGHTER = "laughter"
    CRYING = "crying"
    COUGHING = "coughing"
    SNEEZING = "sneezing"
    BREATH = "breath"
    NOISE = "noise"
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono sound: `samples` float32 `(n,)` in [-1, 1], `sample_rate` in Hz."""

    samples: Samples
    sample_rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class AudioEvent:
    """A sound event; `start` and `end` in seconds are None where the model gives no time."""

    label: EventLabel
    score: float
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word (one character in Chinese and Japanese) with its measured times in seconds."""

    text: str
    start: float
    end: float
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text as the recogniser emits it (SenseVoice: a sentencepiece); `logprob` is a natural logarithm."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Replacement:
    """Text as it was heard, and the hotword that took its place."""

    heard: str
    hotword: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech as the recogniser heard it.

    `emotion_scores` is the distribution over the emotions the model knows; its keys are `Emotion` values and
    `"unknown"`. `timing` says where `start` and `end` come from ("model", "vad", or None: not measured).
    `raw` is the engine's own tagged text. `channel` is set when stereo channels were recognised apart.
    `tokens` are there where they were asked for (`TranscribeOptions.logprobs`).
    `replacements` are the hotwords that the platform put into `text` and `words`; `raw` and `tokens` stay as heard.
    """

    start: float
    end: float
    text: str
    language: str | None = None
    emotion: Emotion | None = None
    emotion_scores: Mapping[str, float] = field(default_factory=dict)
    events: tuple[AudioEvent, ...] = ()
    words: tuple[Word, ...] = ()
    timing: Timing = None
    raw: str = ""
    channel: Literal["left", "right"] | None = None
    tokens: tuple[Token, ...] = ()
    replacements: tuple[Replacement, ...] = ()

    @property
    def emotion_score(self) -> float | None:
        """Probability of `emotion` (of "unknown" where it is None); None where the model gives no scores."""
        return self.emotion_scores.get(self.emotion or UNKNOWN)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in `duration` seconds of audio. `language` is that of the longest speech."""

    text: str
    language: str | None
    duration: float
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """Where speech begins and ends; None leaves a value to the engine.

    threshold: probability of speech from which a frame counts as speech. silence: seconds of it that end a stretch.
    padding: seconds kept before its beginning.
    """

    threshold: float | None = None
    silence: float | None = None
    padding: float | None = None


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """How to recognise.

    language: a code the recogniser lists, or "auto". languages: with "auto", choose among these only.
    itn: write numbers, punctuation and capitals as one would on paper (inverse text normalisation).
    merge_vad: join neighbouring stretches of speech until one is `merge_length_s` seconds long; the silence
    between two joined stretches is kept, silence at the ends is not recognised.
    batch_size_s: seconds of audio in one forward pass, padding included.
    force_emotion: never answer "unknown".
    logprobs: give the tokens of each segment. vad: how to find speech. Both only where the recognizer says it can.

    What follows is done by the platform, before and after the engine: denoise: take steady noise away. loudness: bring
    speech to one level. hotwords: names and terms to put right in the text (`tingshuo.hotwords`).
    """

    language: str = "auto"
    languages: tuple[str, ...] = ()
    itn: bool = True
    words: bool = False
    merge_vad: bool = True
    merge_length_s: float = 15.0
    batch_size_s: float = 60.0
    force_emotion: bool = False
    logprobs: bool = False
    vad: VoiceActivity | None = None
    denoise: bool = False
    loudness: bool = False
    hotwords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a synthesizer: the languages it reads and the emotions it can speak with."""

    name: str
    languages: tuple[str, ...]
    emotions: tuple[Emotion, ...] = (Emotion.NEUTRAL,)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What to say and how.

    intensity: 0 (neutral) to 2 (twice as far from neutral as the voice's own rendering).
    speed: factor on the tempo. pitch: semitones. volume: factor on the amplitude. All three leave the
    emotion's own prosody in place and are applied on top. extra: keys that the engine itself declares.
    """

    text: str
    voice: str
    emotion: Emotion = Emotion.NEUTRAL
    intensity: float = 1.0
    speed: float = 1.0
    pitch: float = 0.0
    volume: float = 1.0
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """The weights behind an engine: a display name, where they come from, and where they lie (None: built in)."""

    name: str
    origin: Origin
    path: Path | None = None
