"""The platform listens to what it said."""

from __future__ import annotations

import io
import logging
from dataclasses import replace

import pytest

from tingshuo import Audio, Emotion, Segment, Settings, TranscribeOptions, Transcript, Utterance
from tingshuo.audio import Limits, read_audio
from tingshuo.errors import (
    EngineBusy,
    EngineUnavailable,
    InvalidRequest,
    LimitExceeded,
    TingshuoError,
    UnknownEngine,
    UnknownVoice,
    UnsupportedEmotion,
    UnsupportedLanguage,
)
from tingshuo.roundtrip import RoundtripItem, RoundtripPlan, gate, heard_emotion, run
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of

SENTENCES = ("诗和远方", "这都第几天了？")


class HardOfHearing(ToneRecognizer):
    """Hears anger as neutral, writes 师 for 诗, and cannot bear sadness."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        transcript = super().transcribe(audio, options)
        [segment] = transcript.segments
        if segment.emotion is Emotion.SAD:
            raise RuntimeError("too sad")
        if segment.emotion is Emotion.ANGRY:
            segment = replace(segment, emotion=Emotion.NEUTRAL, emotion_scores={"neutral": 0.6, "angry": 0.4})
        return replace(transcript, text=transcript.text.replace("诗", "师"), segments=(segment,))


class Unfeeling(ToneRecognizer):
    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        transcript = super().transcribe(audio, options)
        segments = [replace(segment, emotion=None, emotion_scores={}) for segment in transcript.segments]
        return replace(transcript, segments=tuple(segments))


def test_what_was_said_well_is_heard_well_in_every_emotion_and_voice() -> None:
    seen: list[tuple[RoundtripItem, int, int]] = []
    result = run(engines_of(), RoundtripPlan(SENTENCES), on_item=lambda *item: seen.append(item))
    assert result.n == len(SENTENCES) * 8  # `high` with seven emotions, `low` with one
    assert (result.cer, result.syllable_error_rate, result.wer, result.emotion_accuracy) == (0, 0, None, 1)
    assert result.worst == []
    assert [(done, of) for _, done, of in seen] == [(index + 1, 16) for index in range(16)]
    assert {row.name: row.n for row in result.per_voice} == {"high": 14, "low": 2}
    assert {row.name for row in result.per_emotion} == set(Emotion)
    assert all(row[emotion] == sum(row.values()) for emotion, row in result.confusion.items())
    assert result.synthesizer.name == "tones"
    assert result.recognizer.model == "sixteen filters"
    assert result.timings["audio_seconds"] > 16
    assert 0 < result.timings["recognition_rtf"] < 1
    assert gate(result, fail_cer=0, fail_emotion=1) == []


def test_errors_are_found_counted_and_ranked() -> None:
    logging.disable(logging.CRITICAL)  # an engine that raises is logged with its traceback
    try:
        result = run(engines_of(ToneSynthesizer(), HardOfHearing()), RoundtripPlan(SENTENCES, voices=("high",)))
    finally:
        logging.disable(logging.NOTSET)
    assert len(result.failures) == 2
    assert all(item.error == "ears failed: RuntimeError: too sad" for item in result.failures)
    assert all(item.cer.rate == 1 and item.heard_as == "failed" for item in result.failures)
    # Of 70 characters: the 10 of sadness and a homophone in 6 sentences; the homophone is no wrong syllable.
    assert result.cer == pytest.approx(16 / 70)
    assert result.syllable_error_rate == pytest.approx(10 / 70)
    assert result.emotion_accuracy == pytest.approx(10 / 14)
    assert result.confusion["angry"]["neutral"] == 2
    assert result.confusion["sad"]["failed"] == 2
    assert [item.emotion for item in result.worst[:2]] == [Emotion.SAD] * 2
    assert len(result.worst) == 2 + 6 + 1
    [sad] = [row for row in result.per_emotion if row.name == "sad"]
    assert (sad.n, sad.failed, sad.cer, sad.emotion_accuracy) == (2, 2, 1, 0)
    assert gate(result, fail_cer=0.2, fail_emotion=0.9) == [
        "CER is 0.2286; at most 0.2 is allowed",
        "emotion accuracy is 0.7143; at least 0.9 is required",
    ]
    assert gate(result, fail_cer=0.3) == gate(result) == []


def test_a_recogniser_that_hears_no_emotions_has_no_accuracy_and_fails_a_gate_on_it() -> None:
    result = run(engines_of(ToneSynthesizer(), Unfeeling()), RoundtripPlan(SENTENCES))
    assert result.emotion_accuracy is None
    assert result.worst == []
    assert gate(result, fail_emotion=0.1) == ["ears hears no emotions; an accuracy of 0.1 is required"]


def test_english_has_a_word_error_rate_and_no_syllables() -> None:
    result = run(engines_of(), RoundtripPlan(("It is 2 o'clock.",), language="en", emotions=(Emotion.NEUTRAL,)))
    assert (result.wer, result.syllable_error_rate, result.n) == (0, None, 2)


def test_an_emotion_is_left_out_for_the_voices_that_lack_it() -> None:
    result = run(engines_of(), RoundtripPlan(SENTENCES, emotions=(Emotion.HAPPY, Emotion.NEUTRAL)))
    assert {(item.voice, item.emotion) for item in result.items} == {
        ("high", Emotion.HAPPY),
        ("high", Emotion.NEUTRAL),
        ("low", Emotion.NEUTRAL),
    }


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (RoundtripPlan(()), InvalidRequest),
        (RoundtripPlan(("好", " ")), InvalidRequest),
        (RoundtripPlan(("好" * 101,)), LimitExceeded),
        (RoundtripPlan(SENTENCES, voices=("nobody",)), UnknownVoice),
        (RoundtripPlan(SENTENCES, voices=("low",), emotions=(Emotion.SAD,)), UnsupportedEmotion),
        (RoundtripPlan(SENTENCES, language="fr"), UnsupportedLanguage),
        (RoundtripPlan(SENTENCES, intensity=3), InvalidRequest),
        (RoundtripPlan(SENTENCES, recognizer="tones"), UnknownEngine),
        (RoundtripPlan(SENTENCES, synthesizer="ears"), UnknownEngine),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_said(plan: RoundtripPlan, error: type[TingshuoError]) -> None:
    engines = engines_of(settings=Settings(max_text_characters=100))
    with pytest.raises(error):
        run(engines, plan, on_item=lambda item, done, of: pytest.fail("it began"))


def test_a_language_that_no_voice_reads_is_refused() -> None:
    class Listener(ToneRecognizer):
        languages = ("zh", "ja")

    with pytest.raises(UnsupportedLanguage, match="no voice that reads 'ja'"):
        run(engines_of(ToneSynthesizer(), Listener()), RoundtripPlan(SENTENCES, language="ja"))


def test_an_engine_that_does_not_load_ends_the_run() -> None:
    class Broken(ToneRecognizer):
        def load(self) -> None:
            raise OSError("disk")

    with pytest.raises(EngineUnavailable):
        run(engines_of(ToneSynthesizer(), Broken()), RoundtripPlan(SENTENCES))


def test_a_full_queue_is_waited_for_and_is_no_error_of_the_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tingshuo.roundtrip._BUSY_PAUSE", 0.001)

    class Crowded(ToneSynthesizer):
        calls = 0

        def synthesize(self, utterance: Utterance) -> Audio:
            Crowded.calls += 1
            if Crowded.calls % 3:
                raise EngineBusy("others are waiting", retry_after=5)
            return super().synthesize(utterance)

    result = run(engines_of(Crowded(), ToneRecognizer()), RoundtripPlan(SENTENCES, voices=("low",)))
    assert result.failures == ()
    assert result.cer == 0


def test_the_run_can_be_stopped_from_outside() -> None:
    class Cancelled(TingshuoError):
        pass

    def stop(item: RoundtripItem, done: int, of: int) -> None:
        if done == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(engines_of(), RoundtripPlan(SENTENCES), on_item=stop)


def test_the_sound_of_the_worst_is_kept_and_of_no_more() -> None:
    class Deaf(ToneRecognizer):
        calls = 0

        def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
            Deaf.calls += 1
            if Deaf.calls in (2, 5):
                return Transcript("", None, audio.duration)
            return super().transcribe(audio, options)

    result = run(engines_of(ToneSynthesizer(), Deaf()), RoundtripPlan(SENTENCES, keep_audio=2))
    kept = [index for index, item in enumerate(result.items) if item.audio]
    assert kept == [1, 4]
    sound = result.items[1].audio
    assert sound is not None
    [(_, audio)] = read_audio(io.BytesIO(sound), Limits(10**6, 60, 10**8))
    assert audio.duration == pytest.approx(result.items[1].audio_seconds, abs=0.1)
    assert not any(item.audio for item in run(engines_of(), RoundtripPlan(SENTENCES)).items)


def test_of_several_segments_the_longest_emotion_counts() -> None:
    emotion, scores = heard_emotion(
        Transcript(
            "",
            "zh",
            9.0,
            (
                Segment(0, 1, "a", emotion=Emotion.SAD, emotion_scores={"sad": 1.0}),
                Segment(1, 4, "b", emotion=Emotion.HAPPY, emotion_scores={"happy": 0.8, "sad": 0.2}),
                Segment(4, 5, "c", emotion=Emotion.SAD, emotion_scores={"sad": 1.0}),
            ),
        )
    )
    assert emotion is Emotion.HAPPY
    assert scores == pytest.approx({"sad": 0.52, "happy": 0.48})
    assert heard_emotion(Transcript("", None, 1.0)) == (None, {})
