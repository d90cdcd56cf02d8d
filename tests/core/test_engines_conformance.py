"""The kit for plugin authors passes good engines and says what is wrong with others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tingshuo import Audio, Emotion, TranscribeOptions, Transcript, Utterance, Voice
from tingshuo.audio import FORMATS, Limits, encode, read_audio
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, check_recognizer, check_synthesizer, engines_of


class Loud(ToneSynthesizer):
    def synthesize(self, utterance: Utterance) -> Audio:
        audio = super().synthesize(utterance)
        return Audio(audio.samples * np.float32(10), audio.sample_rate)


class Double(ToneSynthesizer):
    def synthesize(self, utterance: Utterance) -> Audio:
        audio = super().synthesize(utterance)
        return Audio(audio.samples.astype(np.float64), audio.sample_rate)


class Slow(ToneSynthesizer):
    def synthesize(self, utterance: Utterance) -> Audio:
        return super().synthesize(dataclasses.replace(utterance, speed=1))


class Short(ToneSynthesizer):
    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        return iter(list(super().synthesize_stream(utterance))[:1])


class Stiff(ToneSynthesizer):
    def voices(self) -> Sequence[Voice]:
        return (Voice("high", ("zh",), (Emotion.HAPPY,)),)


class Capital(ToneSynthesizer):
    name = "Tones"


class Late(ToneRecognizer):
    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        segment = super().transcribe(ToneSynthesizer().synthesize(Utterance("好", "high")), options).segments[0]
        return Transcript("好", "zh", audio.duration, (dataclasses.replace(segment, end=99.0),))


class Sure(ToneRecognizer):
    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        segment = super().transcribe(ToneSynthesizer().synthesize(Utterance("好", "high")), options).segments[0]
        scores = {"happy": 0.9, "joyful": 0.1}
        segment = dataclasses.replace(segment, start=0.0, end=0.0, emotion_scores=scores)
        return Transcript("好", "zh", audio.duration, (segment,))


class Alone(ToneRecognizer):
    def transcribe_batch(self, audios: Sequence[Audio], options: TranscribeOptions) -> list[Transcript]:
        return [self.transcribe(audios[0], options)]


def test_the_tone_engines_keep_their_own_promises() -> None:
    check_synthesizer(ToneSynthesizer(22_050))
    check_recognizer(ToneRecognizer())


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (Loud(), "beyond"),
        (Double(), "float64"),
        (Slow(), "factor on the tempo"),
        (Short(), "the stream lasts"),
        (Stiff(), "must be able to speak neutral"),
        (Capital(), "'Tones' is not lower case"),
    ],
)
def test_a_synthesizer_that_breaks_a_promise_is_told_which(engine: ToneSynthesizer, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_synthesizer(engine)


@pytest.mark.parametrize(
    ("engine", "words"), [(Late(), "to 99.0 of"), (Sure(), "joyful"), (Alone(), "1 transcripts for 4 clips")]
)
def test_a_recognizer_that_breaks_a_promise_is_told_which(engine: ToneRecognizer, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_recognizer(engine)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pcm"}))
def test_the_tone_engines_understand_each_other_through_every_format(
    name: str, sample_rate: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    engines = engines_of(ToneSynthesizer(sample_rate), ToneRecognizer())
    path = tmp_path_factory.mktemp("sound") / "file"
    for emotion in (Emotion.NEUTRAL, Emotion.SURPRISED):
        path.write_bytes(encode(engines.synthesize(Utterance("听说 hello，2024！", "high", emotion)), name))
        [(_, audio)] = read_audio(path, Limits(10**7, 60, 10**8))
        transcript = engines.transcribe(audio, TranscribeOptions())
        assert transcript.text == "听说 hello，2024！"
        assert transcript.segments[0].emotion is emotion
