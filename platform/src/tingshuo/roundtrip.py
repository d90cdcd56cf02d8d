"""The platform listens to what it said: every sentence x emotion x voice is spoken, recognised and compared.

The audio stays in memory. An utterance that cannot be spoken or recognised counts as 100 % errors and is listed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tingshuo.audio import encode
from tingshuo.engines import Engines
from tingshuo.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineUnavailable,
    InvalidRequest,
    RequestCancelled,
    TingshuoError,
    UnsupportedEmotion,
    UnsupportedLanguage,
)
from tingshuo.roundtrip_result import EngineUsed, RoundtripItem, RoundtripResult
from tingshuo.scoring import cer, syllable_error_rate, wer
from tingshuo.types import Audio, Emotion, TranscribeOptions, Transcript, Utterance, Voice
from tingshuo.validation import check_languages, find_voice

__all__ = ["EngineUsed", "RoundtripItem", "RoundtripPlan", "RoundtripResult", "gate", "run"]

T = TypeVar("T")

#: A run shares its engines with other requests: it waits this often, this long (seconds), when a queue is full.
_BUSY_ATTEMPTS = 120
_BUSY_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class RoundtripPlan:
    """What to say, how, and who listens.

    `voices` empty: every voice that reads `language`. `emotions` empty: all that each voice has; an emotion asked
    for is left out for the voices that lack it. Engine names may be "" for the default ones. `language` goes to the
    recogniser as given, "auto" too. `keep_audio`: of how many of the worst utterances the sound is kept, as mp3.
    """

    sentences: tuple[str, ...]
    synthesizer: str = ""
    recognizer: str = ""
    voices: tuple[str, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    language: str = "zh"
    intensity: float = 1.0
    speed: float = 1.0
    keep_audio: int = 0


def run(
    engines: Engines, plan: RoundtripPlan, on_item: Callable[[RoundtripItem, int, int], None] | None = None
) -> RoundtripResult:
    """Run the plan; `on_item(item, done, total)` is called after each utterance, and may raise to stop.

    Raises what is wrong with the plan before the first utterance, and `EngineUnavailable`.
    """
    utterances = planned(engines, plan)
    synthesizer, recognizer = engines.synthesizer(plan.synthesizer), engines.recognizer(plan.recognizer)
    for engine in (synthesizer, recognizer):
        engines.load(engine.name)  # so that the real-time factors do not count reading the weights
    items: list[RoundtripItem] = []
    for utterance in utterances:
        items.append(_item(engines, plan, utterance))
        _forget_audio(items, plan.keep_audio)
        if on_item:
            on_item(items[-1], len(items), len(utterances))
    return RoundtripResult(
        language=plan.language,
        intensity=plan.intensity,
        synthesizer=EngineUsed.of(synthesizer),
        recognizer=EngineUsed.of(recognizer),
        items=tuple(items),
    )


def planned(engines: Engines, plan: RoundtripPlan) -> list[Utterance]:
    """The utterances of the plan, each checked; raises what the engines would refuse."""
    check_languages(engines.recognizer(plan.recognizer), TranscribeOptions(language=plan.language))
    synthesizer = engines.synthesizer(plan.synthesizer)
    voices = _voices(engines, plan)
    utterances = [
        Utterance(sentence, voice.name, emotion, plan.intensity, plan.speed)
        for sentence in plan.sentences
        for voice in voices
        for emotion in plan.emotions or voice.emotions
        if emotion in voice.emotions
    ]
    if not utterances:
        raise InvalidRequest("the plan has no sentences; give at least one", param="sentences")
    return [engines.validated(synthesizer, utterance) for utterance in utterances]


def _voices(engines: Engines, plan: RoundtripPlan) -> Sequence[Voice]:
    synthesizer = engines.synthesizer(plan.synthesizer)
    voices: Sequence[Voice] = [find_voice(synthesizer, name) for name in plan.voices]
    if not voices:
        any_language = plan.language == "auto"
        voices = [voice for voice in synthesizer.voices() if any_language or plan.language in voice.languages]
    if not voices:
        raise UnsupportedLanguage(f"{synthesizer.name} has no voice that reads {plan.language!r}", param="language")
    for emotion in plan.emotions:
        if not any(emotion in voice.emotions for voice in voices):
            names = ", ".join(voice.name for voice in voices)
            raise UnsupportedEmotion(f"none of these voices can speak {emotion}: {names}", param="emotions")
    return voices


def _item(engines: Engines, plan: RoundtripPlan, utterance: Utterance) -> RoundtripItem:
    item = _silent(plan, utterance)
    try:
        started = time.perf_counter()
        audio = _when_free(lambda: engines.synthesize(utterance, plan.synthesizer))
        item = replace(item, audio_seconds=audio.duration, synthesis_seconds=time.perf_counter() - started)
        item = replace(item, audio=_kept(audio, plan))
        started = time.perf_counter()
        heard = _when_free(lambda: engines.transcribe(audio, TranscribeOptions(plan.language), plan.recognizer))
        item = replace(item, recognition_seconds=time.perf_counter() - started)
    except (EngineUnavailable, RequestCancelled, DeadlineExceeded):  # so it would be for every other utterance
        raise
    except TingshuoError as error:
        return replace(item, error=error.message)
    return _compared(item, heard, plan.language)


def _kept(audio: Audio, plan: RoundtripPlan) -> bytes | None:
    return encode(audio, "mp3") if plan.keep_audio and len(audio.samples) else None


def _when_free(call: Callable[[], T]) -> T:
    for _ in range(_BUSY_ATTEMPTS):
        try:
            return call()
        except EngineBusy:
            time.sleep(_BUSY_PAUSE)
    return call()


def _silent(plan: RoundtripPlan, utterance: Utterance) -> RoundtripItem:
    """The utterance before anything was heard of it: all of its text is missing."""
    return RoundtripItem(
        sentence=utterance.text,
        voice=utterance.voice,
        emotion=utterance.emotion,
        cer=cer(utterance.text, "", plan.language),
        syllables=syllable_error_rate(utterance.text, "", plan.language),
        words=wer(utterance.text, "", plan.language),
    )


def _compared(item: RoundtripItem, heard: Transcript, language: str) -> RoundtripItem:
    emotion, scores = heard_emotion(heard)
    return replace(
        item,
        heard=heard.text,
        heard_language=heard.language,
        heard_emotion=emotion,
        emotion_scores=scores,
        cer=cer(item.sentence, heard.text, language),
        syllables=syllable_error_rate(item.sentence, heard.text, language),
        words=wer(item.sentence, heard.text, language),
    )


def heard_emotion(transcript: Transcript) -> tuple[Emotion | None, Mapping[str, float]]:
    """The emotion heard for the longest time, and the mean of the segments' scores weighted by their length."""
    lengths: defaultdict[Emotion | None, float] = defaultdict(float)
    scores: defaultdict[str, float] = defaultdict(float)
    for segment in transcript.segments:
        # Segments without measured times weigh the same.
        length = max(segment.end - segment.start, 1e-3)
        lengths[segment.emotion] += length
        for label, score in segment.emotion_scores.items():
            scores[label] += length * score
    whole = sum(lengths.values())
    emotion = max(lengths, key=lengths.__getitem__, default=None)
    return emotion, {label: score / whole for label, score in scores.items()}


def _forget_audio(items: list[RoundtripItem], keep: int) -> None:
    """Drop the sound of the best item once more than `keep` have one."""
    sounding = [index for index, item in enumerate(items) if item.audio is not None]
    if len(sounding) > keep:
        best = min(sounding, key=lambda index: items[index].badness)
        items[best] = replace(items[best], audio=None)


def gate(result: RoundtripResult, fail_cer: float | None = None, fail_emotion: float | None = None) -> list[str]:
    """Why the result is not good enough: CER above `fail_cer`, emotion accuracy below `fail_emotion`; [] if it is."""
    reasons = []
    if fail_cer is not None and result.cer > fail_cer:
        reasons.append(f"CER is {result.cer:.4f}; at most {fail_cer:g} is allowed")
    if fail_emotion is not None:
        heard = result.emotion_accuracy
        if heard is None:
            reasons.append(f"{result.recognizer.name} hears no emotions; an accuracy of {fail_emotion:g} is required")
        elif heard < fail_emotion:
            reasons.append(f"emotion accuracy is {heard:.4f}; at least {fail_emotion:g} is required")
    return reasons
