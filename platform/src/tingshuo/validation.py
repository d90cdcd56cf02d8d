"""What a caller may ask of an engine, checked against the engine's own lists before anything is queued."""

from __future__ import annotations

from dataclasses import replace

from tingshuo.engine import Recognizer, Synthesizer
from tingshuo.errors import InvalidRequest, LimitExceeded, UnknownVoice, UnsupportedEmotion, UnsupportedLanguage
from tingshuo.types import Emotion, TranscribeOptions, Utterance, Voice

#: Names OpenAI's clients send when nobody configured them; they mean "the default voice".
VOICE_ALIASES = frozenset("default alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split())

#: (lowest, highest) of the numbers of an utterance.
RANGES = {"intensity": (0.0, 2.0), "speed": (0.25, 4.0), "pitch": (-12.0, 12.0), "volume": (0.0, 4.0)}


def find_voice(synthesizer: Synthesizer, name: str) -> Voice:
    """The voice called `name`; the engine's default for "" and for OpenAI's voice names."""
    voices = {voice.name: voice for voice in synthesizer.voices()}
    if name in voices:
        return voices[name]
    if voices and (not name or name in VOICE_ALIASES):
        return next(iter(voices.values()))
    known = ", ".join(voices)
    raise UnknownVoice(f"{synthesizer.name} has no voice {name!r}; it has: {known}", param="voice")


def validated(synthesizer: Synthesizer, utterance: Utterance, most_characters: int) -> Utterance:
    """The utterance with its voice resolved; raises `InvalidRequest` and its children."""
    _check_text(utterance.text, most_characters)
    for name, (low, high) in RANGES.items():
        value = getattr(utterance, name)
        if not low <= value <= high:
            raise InvalidRequest(f"{name} is {value}; it must lie between {low} and {high}", param=name)
    unknown = sorted(set(utterance.extra) - synthesizer.extra_keys)
    if unknown:
        allowed = ", ".join(sorted(synthesizer.extra_keys)) or "none"
        raise InvalidRequest(f"{synthesizer.name} has no option {unknown[0]!r}; it has: {allowed}", param="extra")
    voice = find_voice(synthesizer, utterance.voice)
    if utterance.emotion not in voice.emotions:
        able = ", ".join(voice.emotions)
        raise UnsupportedEmotion(
            f"voice {voice.name!r} cannot speak {utterance.emotion}; it can: {able}", param="emotion"
        )
    return replace(utterance, voice=voice.name)


def _check_text(text: str, most_characters: int) -> None:
    if not text.strip():
        raise InvalidRequest("the text is empty; send at least one word", param="input")
    if len(text) > most_characters:
        raise LimitExceeded(f"the text has {len(text)} characters; at most {most_characters}", param="input")


def check_languages(recognizer: Recognizer, options: TranscribeOptions) -> None:
    """Raise `UnsupportedLanguage` for a language the recognizer does not list."""
    for language in (*options.languages, options.language):
        if language not in ("auto", *recognizer.languages):
            known = ", ".join(("auto", *recognizer.languages))
            raise UnsupportedLanguage(
                f"{recognizer.name} does not know the language {language!r}; it knows: {known}", param="language"
            )


def check_options(recognizer: Recognizer, options: TranscribeOptions) -> None:
    """Raise `InvalidRequest` for an option that the recognizer does not heed, `UnsupportedLanguage` as above."""
    check_languages(recognizer, options)
    if options.logprobs and not recognizer.gives_logprobs:
        raise InvalidRequest(f"{recognizer.name} gives no log probabilities; leave include out", param="include")
    if options.vad is not None and not recognizer.takes_vad:
        raise InvalidRequest(
            f"the voice activity detection of {recognizer.name} cannot be tuned; send auto", param="chunking_strategy"
        )


def parse_emotion(name: str) -> Emotion:
    """The emotion called `name`."""
    try:
        return Emotion(name.strip().lower())
    except ValueError:
        raise UnsupportedEmotion(f"no emotion {name!r}; there are: {', '.join(Emotion)}", param="emotion") from None
