"""A stereo call: who said what, in the order it was said."""

from __future__ import annotations

import io

import numpy as np

from tingshuo import Audio, Emotion, TranscribeOptions, Utterance
from tingshuo.audio import Limits, Side, encode, read_audio
from tingshuo.channels import transcribe_channels
from tingshuo.testing import engines_of

ENGINES = engines_of()
LIMITS = Limits(10**7, 60, 10**8)


def said(text: str, pause: float, emotion: Emotion = Emotion.NEUTRAL) -> Audio:
    return ENGINES.synthesize(Utterance(text, "high", emotion, extra={"pause": pause}))


def call(left: Audio, right: Audio) -> list[tuple[Side | None, Audio]]:
    length = max(len(left.samples), len(right.samples))
    sides: tuple[tuple[Side, Audio], ...] = (("left", left), ("right", right))
    return [
        (side, Audio(np.pad(audio.samples, (0, length - len(audio.samples))), audio.sample_rate))
        for side, audio in sides
    ]


def test_each_channel_is_heard_apart_and_the_first_to_speak_comes_first() -> None:
    channels = call(said("好的", 2.0, Emotion.HAPPY), said("你好，请讲", 0.1))
    transcript = transcribe_channels(ENGINES, channels, TranscribeOptions(language="zh"))
    assert transcript.text == "你好，请讲\n好的"
    assert [(segment.channel, segment.emotion) for segment in transcript.segments] == [
        ("right", Emotion.NEUTRAL),
        ("left", Emotion.HAPPY),
    ]
    starts = [segment.start for segment in transcript.segments]
    assert starts == sorted(starts)
    assert transcript.duration == channels[0][1].duration


def test_the_language_is_that_of_the_longest_speech() -> None:
    channels = call(said("yes", 0.1), said("我想问一下我的快递到哪里了", 1.0))
    assert transcribe_channels(ENGINES, channels, TranscribeOptions()).language == "zh"


def test_a_silent_channel_adds_nothing() -> None:
    channels = call(said("只有我", 0.1), Audio(np.zeros(16_000, np.float32), 16_000))
    transcript = transcribe_channels(ENGINES, channels, TranscribeOptions())
    assert [(segment.channel, segment.text) for segment in transcript.segments] == [("left", "只有我")]


def test_two_silent_channels_are_an_empty_transcript() -> None:
    silence = Audio(np.zeros(16_000, np.float32), 16_000)
    transcript = transcribe_channels(ENGINES, call(silence, silence), TranscribeOptions())
    assert (transcript.text, transcript.language, transcript.segments) == ("", None, ())


def test_a_mono_file_asked_to_be_split_is_one_transcript_without_channel() -> None:
    data = io.BytesIO(encode(said("单声道", 0.2), "flac"))
    transcript = transcribe_channels(ENGINES, read_audio(data, LIMITS, "split"), TranscribeOptions())
    assert transcript.text == "单声道"
    assert transcript.segments[0].channel is None
