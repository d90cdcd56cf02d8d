"""Whole clips through the engine: times, silence, odd audio, languages, batches, hours."""

from __future__ import annotations

import resource
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from torch import Tensor

from tingshuo import Audio, InvalidAudio, InvalidRequest, TranscribeOptions
from tingshuo.errors import UnsupportedLanguage
from tingshuo_sensevoice.engine import SenseVoice
from tingshuo_sensevoice.testing import speechlike

RATE = 16000
APART = TranscribeOptions(merge_vad=False, words=True)


def music(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A quiet chord: loud enough to be listened to, too quiet for the small models' voice detector."""
    time = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6))
    return np.asarray(0.01 * chord, dtype=np.float32)


def test_speech_is_found_where_it_is(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(1.5, speechlike(2.0, 1), 3.0, speechlike(1.5, 2), 2.0)
    assert engine._detector is not None
    spans = [(span.start / RATE, span.end / RATE) for span in engine._detector.detect(clip.samples)]
    assert len(spans) == 2
    for (start, end), (begins, ends) in zip(spans, [(1.5, 3.5), (6.5, 8.0)], strict=True):
        assert begins - 0.4 <= start <= begins + 0.05
        assert ends - 0.05 <= end <= ends + 0.4


def test_segments_and_words_lie_within_what_was_said(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(1.5, speechlike(4.0, 3), 3.0, speechlike(5.0, 4), 2.0)
    segments = engine.transcribe(clip, APART).segments
    assert [segment.timing for segment in segments] == ["model", "model"]
    for segment, (begins, ends) in zip(segments, [(1.5, 5.5), (8.5, 13.5)], strict=True):
        assert begins - 0.4 <= segment.start < segment.end <= ends + 0.4
        assert segment.words
        assert segment.start <= segment.words[0].start
        assert segment.words[-1].end <= segment.end
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(0 <= (word.score or 0) <= 1 for word in segment.words)


def test_neighbouring_speech_is_merged_and_silence_at_the_ends_is_not_recognised(
    engine: SenseVoice, audio: Callable[..., Audio]
) -> None:
    clip = audio(5.0, speechlike(2.0, 3), 2.0, speechlike(3.0, 4), 5.0)
    (segment,) = engine.transcribe(clip, TranscribeOptions()).segments
    assert segment.start >= 4.5
    assert segment.end <= 12.5
    assert len(engine.transcribe(clip, TranscribeOptions(merge_length_s=4.0)).segments) == 2


def test_words_are_given_when_asked_for_alone(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(speechlike(4.0, 3))
    assert all(not segment.words for segment in engine.transcribe(clip, TranscribeOptions()).segments)


@pytest.mark.parametrize("seconds", [0.025, 0.1, 1.0, 61.0])
def test_silence_gives_no_segments_and_no_text(seconds: float, engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    transcript = engine.transcribe(audio(seconds), TranscribeOptions())
    assert (transcript.text, transcript.language, transcript.segments) == ("", None, ())
    assert transcript.duration == pytest.approx(seconds)


@pytest.mark.parametrize("length", [0, 1, 10, 399])
def test_audio_shorter_than_a_window_is_refused(length: int, engine: SenseVoice) -> None:
    with pytest.raises(InvalidAudio, match="at least 400"):
        engine.transcribe(Audio(np.zeros(length, np.float32), RATE), TranscribeOptions())


@pytest.mark.parametrize("length", [400, 401, 559, 560, 1599, 3999, 959_999, 960_000, 960_001, 960_399, 960_400])
def test_every_length_from_a_window_on_is_recognised(length: int, engine: SenseVoice) -> None:
    samples = np.zeros(length, np.float32)
    samples[-3 * RATE :] = speechlike(60.1, 1)[: len(samples[-3 * RATE :])]
    assert engine.transcribe(Audio(samples, RATE), TranscribeOptions()).duration == length / RATE


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_samples_that_are_no_numbers_are_refused(value: float, engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(speechlike(1.0))
    clip.samples[5000] = value
    with pytest.raises(InvalidAudio, match="not finite"):
        engine.transcribe(clip, TranscribeOptions())


def test_audio_of_another_kind_is_refused(engine: SenseVoice) -> None:
    for samples, rate in (
        (np.zeros((2, 800), np.float32), RATE),
        (np.zeros(800, np.int16), RATE),
        (np.zeros(800, np.float32), 8000),
    ):
        with pytest.raises(InvalidAudio, match="mono float32"):
            engine.transcribe(Audio(samples, rate), TranscribeOptions())  # type: ignore[arg-type]


def test_clipped_and_very_loud_audio_is_recognised(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    for gain in (8.0, 1000.0):
        clip = audio(np.clip(speechlike(3.0, 3) * gain, -gain / 8, gain / 8))
        assert engine.transcribe(clip, TranscribeOptions()).segments


def test_read_only_samples_are_recognised(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(speechlike(2.0, 3))
    clip.samples.setflags(write=False)
    engine.transcribe(clip, TranscribeOptions())


def test_the_language_asked_for_is_the_language_answered(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(0.5, speechlike(4.0, 3), 0.5)
    for language in engine.languages:
        transcript = engine.transcribe(clip, TranscribeOptions(language=language))
        assert transcript.language == language
        assert transcript.segments[0].raw.startswith(f"<|{language}|>")


def test_auto_chooses_among_the_languages_allowed(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(0.5, speechlike(4.0, 3), 0.5)
    assert engine.transcribe(clip, TranscribeOptions()).language == "zh"
    for languages in (("en",), ("ja", "ko"), ("yue", "zh")):
        transcript = engine.transcribe(clip, TranscribeOptions(languages=languages))
        assert transcript.language in languages
        if "zh" not in languages:  # recognised again in that language
            forced = engine.transcribe(clip, TranscribeOptions(language=str(transcript.language)))
            assert transcript.text == forced.text


def test_itn_is_asked_for_in_the_network(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(0.5, speechlike(4.0, 3), 0.5)
    assert "<|withitn|>" in engine.transcribe(clip, TranscribeOptions(itn=True)).segments[0].raw
    assert "<|woitn|>" in engine.transcribe(clip, TranscribeOptions(itn=False)).segments[0].raw


def test_wrong_options_are_the_callers_mistake(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    with pytest.raises(UnsupportedLanguage, match="'fr'"):
        engine.transcribe(audio(1.0), TranscribeOptions(language="fr"))
    with pytest.raises(InvalidRequest, match="merge_length_s is 0"):
        engine.transcribe(audio(1.0), TranscribeOptions(merge_length_s=0))
    with pytest.raises(InvalidRequest, match="batch_size_s is nan"):
        engine.transcribe(audio(1.0), TranscribeOptions(batch_size_s=float("nan")))


def test_music_outside_speech_is_heard_as_an_event_and_gives_no_text(
    engine: SenseVoice, audio: Callable[..., Audio]
) -> None:
    clip = audio(speechlike(3.0, 3), 0.8, music(6.0), 0.8, speechlike(3.0, 4), 1.0)
    transcript = engine.transcribe(clip, TranscribeOptions())
    others = [segment for segment in transcript.segments if segment.timing == "vad"]
    assert [(segment.text, segment.language) for segment in others] == [("", None)] * len(others)
    assert all(segment.events for segment in others)
    assert all(segment.start >= 3.0 and segment.end <= 10.0 for segment in others)
    spoken = [segment for segment in transcript.segments if segment.text]
    assert len(spoken) == 2  # not merged across the music
    assert [segment.start for segment in transcript.segments] == sorted(s.start for s in transcript.segments)


def test_a_batch_gives_what_single_passes_give(
    make_engine: Callable[..., SenseVoice], audio: Callable[..., Audio]
) -> None:
    clips = [audio(0.5, speechlike(1.0 + seed, seed), 1.5, speechlike(2.0, seed + 9), 0.5) for seed in range(4)]
    one_by_one, together = make_engine(batching="off"), make_engine(batching="on")
    singles = [one_by_one.transcribe(clip, APART) for clip in clips]
    shapes: list[tuple[int, ...]] = []
    together.load()
    assert together._acoustic is not None
    together._acoustic.net.encoder.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))
    batched = together.transcribe_batch(clips, APART)
    assert max(shape[0] for shape in shapes) > 1
    for single, other in zip(singles, batched, strict=True):
        assert single.text == other.text
        assert [segment.raw for segment in single.segments] == [segment.raw for segment in other.segments]
        for mine, theirs in zip(single.segments, other.segments, strict=True):
            assert [(word.text, word.start) for word in mine.words] == [
                (word.text, word.start) for word in theirs.words
            ]
            assert dict(mine.emotion_scores) == pytest.approx(dict(theirs.emotion_scores), abs=1e-4)


def test_a_pass_holds_no_more_than_batch_size_s(
    make_engine: Callable[..., SenseVoice], audio: Callable[..., Audio]
) -> None:
    engine = make_engine(batching="on")
    engine.load()
    assert engine._acoustic is not None
    shapes: list[tuple[int, ...]] = []
    engine._acoustic.net.encoder.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape)))
    engine.transcribe_batch(
        [audio(speechlike(2.0 + seed, seed)) for seed in range(6)], TranscribeOptions(batch_size_s=12.0)
    )
    assert len(shapes) > 1
    assert all(shape[0] * (shape[1] - 4) * 0.06 <= 12.0 + shape[0] * 0.06 for shape in shapes)


def test_the_same_audio_gives_the_same_transcript(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(speechlike(6.0, 3) * np.float32(0.05), 1.0, speechlike(2.0, 5))
    assert engine.transcribe(clip, APART) == engine.transcribe(clip, APART)


def test_ten_minutes_go_through_in_pieces(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    long = np.tile(speechlike(150.0, 3), 4)  # no pause at all
    longest: list[int] = []

    def note(_: object, inputs: tuple[Tensor, ...]) -> None:
        longest.append(inputs[0].shape[1])

    engine.transcribe(audio(speechlike(3.0)), TranscribeOptions())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert engine._acoustic is not None
    engine._acoustic.net.encoder.register_forward_pre_hook(note)
    segments = engine.transcribe(audio(long), TranscribeOptions(words=True)).segments
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(longest) >= 40
    assert max(longest) <= 15 / 0.06 + 4
    assert grown < 400 * 1024  # KiB; ten minutes of samples are 38 MB
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(segments))
    words = [word for segment in segments for word in segment.words]
    assert all(left.start <= left.end <= right.start + 1e-6 for left, right in pairwise(words))
    assert segments[-1].end <= 600.0
