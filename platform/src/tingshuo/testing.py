"""For plugin authors: `check_recognizer` and `check_synthesizer` hold an engine to its promises.

    def test_my_engine_keeps_its_promises() -> None:
        check_synthesizer(MyEngine())

They raise `AssertionError` with what is wrong and what would be right. `ToneSynthesizer`, `ToneRecognizer` and
`engines_of` are for tests of the platform without a model.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.engines import MIN_SAMPLES, Engines
from tingshuo.plugins import Plugins
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import UNKNOWN, Audio, Emotion, Model, Segment, TranscribeOptions, Transcript, Utterance, Voice

__all__ = ["ToneRecognizer", "ToneSynthesizer", "check_recognizer", "check_synthesizer", "engines_of"]

#: Said to test a voice, by language; English for any other.
SENTENCES = {
    "zh": "今天天气不错，我们去公园吧。",
    "yue": "今日天氣唔錯，我哋去公園啦。",
    "en": "It is a fine day today.",
}
#: Seconds by which a time may exceed the audio: half a frame of a slow model.
TOLERANCE = 0.1


def engines_of(*engines: Engine, settings: Settings | None = None) -> Engines:
    """`Engines` with exactly these (the tone engines for none), whatever is installed or named as default."""
    chosen = engines or (ToneSynthesizer(), ToneRecognizer())
    settings = settings or Settings(default_recognizer="", default_synthesizer="")
    return Engines(settings, Plugins({engine.name: engine for engine in chosen}))


def check_synthesizer(engine: Synthesizer) -> None:
    """Raise `AssertionError` unless `engine` can be used as a synthesizer. Speaks with each voice and emotion."""
    _check_engine(engine)
    _require(engine.kind == "synthesizer", f"kind is {engine.kind!r}; leave it to Synthesizer")
    voices = engine.voices()
    _check_voices(voices)
    engine.load()
    try:
        for voice in voices:
            for emotion in voice.emotions:
                _check_speech(engine, _utterance(voice, emotion))
        _check_prosody(engine, voices[0])
        _check_stream(engine, voices[0])
    finally:
        engine.close()
    engine.load()
    _check_speech(engine, _utterance(voices[0], Emotion.NEUTRAL))
    engine.close()


def check_recognizer(engine: Recognizer) -> None:
    """Raise `AssertionError` unless `engine` can be used as a recognizer. Gives it silence, noise and tones."""
    _check_engine(engine)
    _require(engine.kind == "recognizer", f"kind is {engine.kind!r}; leave it to Recognizer")
    _require(bool(engine.languages), "languages is empty; name at least one code")
    _require("auto" not in engine.languages, "languages holds 'auto', which every recognizer takes anyway")
    clips = _clips(engine.sample_rate)
    engine.load()
    try:
        for language in ("auto", *engine.languages):
            options = TranscribeOptions(language=language)
            alone = [engine.transcribe(clip, options) for clip in clips]
            for clip, transcript in zip(clips, alone, strict=True):
                _check_transcript(engine, clip, transcript)
        together = engine.transcribe_batch(clips, TranscribeOptions(language=engine.languages[-1]))
        _require(
            len(together) == len(clips), f"transcribe_batch gave {len(together)} transcripts for {len(clips)} clips"
        )
        for clip, transcript in zip(clips, together, strict=True):
            _check_transcript(engine, clip, transcript)
        _require(engine.transcribe_batch([], TranscribeOptions()) == [], "transcribe_batch of nothing is not []")
    finally:
        engine.close()
    engine.load()
    _check_transcript(engine, clips[0], engine.transcribe(clips[0], TranscribeOptions()))
    engine.close()


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check_engine(engine: Engine) -> None:
    _require(bool(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", engine.name)), f"name {engine.name!r} is not lower case")
    for field in ("version", "licence", "source"):
        value = getattr(engine, field, None)
        _require(isinstance(value, str) and bool(value), f"{field} is {value!r}; it must say something")
    _require(8_000 <= engine.sample_rate <= 48_000, f"sample_rate is {engine.sample_rate}; 8000 to 48000 Hz are usual")
    _require(isinstance(engine.model(), Model), "model() must give a Model or raise ModelError")


def _check_voices(voices: object) -> None:
    _require(isinstance(voices, (list, tuple)) and bool(voices), "voices() is empty or no sequence")
    assert isinstance(voices, (list, tuple))
    names = [voice.name for voice in voices]
    _require(len(set(names)) == len(names), f"two voices share a name: {names}")
    for voice in voices:
        _require(bool(voice.name) and bool(voice.languages), f"voice {voice.name!r} has no name or no languages")
        _require(Emotion.NEUTRAL in voice.emotions, f"voice {voice.name!r} must be able to speak neutral")


def _utterance(voice: Voice, emotion: Emotion, speed: float = 1.0) -> Utterance:
    text = SENTENCES.get(voice.languages[0].partition("-")[0], SENTENCES["en"])
    return Utterance(text, voice.name, emotion, speed=speed)


def _check_speech(engine: Synthesizer, utterance: Utterance) -> Audio:
    audio = engine.synthesize(utterance)
    what = f"{utterance.voice}, {utterance.emotion}"
    _check_audio(engine, audio, what)
    _require(0.2 < audio.duration < 60, f"{what}: one short sentence lasts {audio.duration:.2f} s")
    _require(float(np.abs(audio.samples).max()) > 1e-3, f"{what}: the audio is silent")
    return audio


def _check_audio(engine: Synthesizer, audio: Audio, what: str) -> None:
    samples = audio.samples
    _require(audio.sample_rate == engine.sample_rate, f"{what}: {audio.sample_rate} Hz, promised {engine.sample_rate}")
    _require(samples.ndim == 1, f"{what}: samples have shape {samples.shape}, not (n,)")
    _require(samples.dtype == np.float32, f"{what}: samples are {samples.dtype}, not float32")
    _require(bool(np.isfinite(samples).all()), f"{what}: there are NaN or infinite samples")
    peak = float(np.abs(samples).max(initial=0))
    _require(peak <= 1, f"{what}: samples reach {peak:.3f}, beyond [-1, 1]")


def _check_prosody(engine: Synthesizer, voice: Voice) -> None:
    slow, fast = (_check_speech(engine, _utterance(voice, Emotion.NEUTRAL, speed)) for speed in (1.0, 2.0))
    _require(
        fast.duration < 0.9 * slow.duration,
        f"speed 2 lasts {fast.duration:.2f} s, speed 1 {slow.duration:.2f} s; speed is a factor on the tempo",
    )


def _check_stream(engine: Synthesizer, voice: Voice) -> None:
    utterance = _utterance(voice, Emotion.NEUTRAL)
    pieces = list(engine.synthesize_stream(utterance))
    for piece in pieces:
        _check_audio(engine, piece, "synthesize_stream")
    whole, joined = engine.synthesize(utterance).duration, sum(piece.duration for piece in pieces)
    # A model that samples its prosody does not say the same thing twice to the sample.
    _require(abs(whole - joined) < 0.2 * whole, f"the stream lasts {joined:.2f} s, the whole {whole:.2f} s")


def _clips(sample_rate: int) -> list[Audio]:
    """A second of tone, of silence, of noise, and the shortest clip the platform passes on."""
    times = np.arange(sample_rate, dtype=np.float32) / sample_rate
    tone = (0.5 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.1, sample_rate).clip(-1, 1).astype(np.float32)
    silence = np.zeros(sample_rate, np.float32)
    return [Audio(samples, sample_rate) for samples in (tone, silence, noise, tone[:MIN_SAMPLES])]


def _check_transcript(engine: Recognizer, audio: Audio, transcript: Transcript) -> None:
    _require(isinstance(transcript, Transcript), f"transcribe gave {type(transcript).__name__}, not Transcript")
    _require(
        abs(transcript.duration - audio.duration) <= TOLERANCE,
        f"duration is {transcript.duration} s for a clip of {audio.duration} s",
    )
    for segment in transcript.segments:
        _check_segment(engine, audio, segment)
    starts = [segment.start for segment in transcript.segments]
    _require(starts == sorted(starts), f"segments are not in order of time: {starts}")


def _check_segment(engine: Recognizer, audio: Audio, segment: Segment) -> None:
    start, end = segment.start, segment.end
    _require(0 <= start <= end <= audio.duration + TOLERANCE, f"segment from {start} to {end} of {audio.duration} s")
    _require(segment.timing in ("model", "vad", None), f"timing is {segment.timing!r}")
    _require(
        segment.language is None or segment.language in engine.languages,
        f"language {segment.language!r} is not among {engine.languages}",
    )
    labels = {UNKNOWN, *Emotion}
    _require(set(segment.emotion_scores) <= labels, f"emotion_scores has keys {set(segment.emotion_scores) - labels}")
    scores = [*segment.emotion_scores.values(), *(event.score for event in segment.events)]
    _require(all(0 <= score <= 1 for score in scores), f"a score lies outside [0, 1]: {scores}")
    _require(sum(segment.emotion_scores.values()) <= 1.01, "emotion_scores sum to more than 1")
    times = [word.start for word in segment.words]
    _require(all(a <= b for a, b in pairwise(times)), f"words are not in order of time: {times}")
