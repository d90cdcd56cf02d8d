"""The starter model segment by segment, with log probabilities, and with other values of voice activity detection."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
import soxr

from tingshuo import Audio, Segment, TranscribeOptions, Transcript, Utterance, progress
from tingshuo.api.transcription_events import Telling
from tingshuo.api.transcription_form import TranscriptionFields
from tingshuo.settings import load_settings
from tingshuo.types import VoiceActivity
from tingshuo_sensevoice.engine import SenseVoice
from tingshuo_sensevoice.spans import Span, padded


@pytest.fixture
def starter(make_engine: Callable[..., SenseVoice]) -> SenseVoice:
    return make_engine(model="starter", vad_model="starter")


@pytest.fixture(scope="module")
def call() -> Audio:
    """Two Chinese sentences and an English one, two seconds apart."""
    espeak = pytest.importorskip("tingshuo_espeak", reason="the eSpeak plugin is not installed")
    (voice,) = espeak.register_engines(load_settings())
    voice.load()
    parts = [np.zeros(16_000, np.float32)]
    for text, name in (("今天天气很好。", "cmn"), ("我们去公园吧。", "cmn"), ("I like this book.", "en-us")):
        spoken = voice.synthesize(Utterance(text, name))
        samples = soxr.resample(spoken.samples, spoken.sample_rate, 16_000).astype(np.float32)
        parts += [samples, np.zeros(32_000, np.float32)]
    return Audio(np.concatenate(parts), 16_000)


def _told(stream: Generator[Segment, None, Transcript]) -> tuple[list[Segment], Transcript]:
    segments = []
    while True:
        try:
            segments.append(next(stream))
        except StopIteration as end:
            return segments, end.value


def test_segments_told_one_by_one_are_those_of_the_whole(starter: SenseVoice, call: Audio) -> None:
    options = TranscribeOptions(merge_vad=False, words=True)
    segments, whole = _told(starter.transcribe_stream(call, options))
    assert len(segments) >= 3
    assert tuple(segments) == whole.segments
    assert whole == starter.transcribe(call, options)


@pytest.mark.parametrize("batch_size_s", [1.0, 60.0])
def test_progress_moves_with_the_sound_that_was_heard(starter: SenseVoice, call: Audio, batch_size_s: float) -> None:
    told: list[float] = []
    with progress.within(told.append):
        heard = starter.transcribe(call, TranscribeOptions(merge_vad=False, batch_size_s=batch_size_s))
    assert told == sorted(set(told))
    assert told[-1] == 1.0
    assert len(told) >= len(heard.segments) >= 3
    with progress.within(told.append):
        _told(starter.transcribe_stream(call, TranscribeOptions(merge_vad=False)))
    assert told.count(1.0) == 1  # a stream is its own progress


def test_the_texts_of_the_events_joined_are_the_text(starter: SenseVoice, call: Audio) -> None:
    telling = Telling(TranscriptionFields.model_validate({"stream": True}))
    segments, whole = _told(starter.transcribe_stream(call, TranscribeOptions(merge_vad=False)))
    events: list[Any] = [json.loads(told.removeprefix(b"data: ")) for told in map(telling.segment, segments) if told]
    assert "".join(event["delta"] for event in events) == whole.text


def test_tokens_spell_the_text_and_have_log_probabilities(starter: SenseVoice, call: Audio) -> None:
    for segment in starter.transcribe(call, TranscribeOptions(logprobs=True)).segments:
        assert "".join(token.text for token in segment.tokens).strip() == segment.text
        assert all(-20 < token.logprob <= 0 for token in segment.tokens)
    assert all(not one.tokens for one in starter.transcribe(call, TranscribeOptions()).segments)


def test_a_longer_silence_joins_stretches_of_speech(starter: SenseVoice, call: Audio) -> None:
    def heard(silence: float) -> int:
        options = TranscribeOptions(merge_vad=False, vad=VoiceActivity(silence=silence))
        return len(starter.transcribe(call, options).segments)

    assert heard(4.0) < heard(0.5)


def test_padding_is_kept_before_speech_but_never_into_the_stretch_before() -> None:
    speech = [Span(1_000, 2_000), Span(2_500, 3_000)]
    assert padded(speech, 800) == [Span(200, 2_000), Span(2_000, 3_000)]
    assert padded(speech, 8_000) == [Span(0, 2_000), Span(2_000, 3_000)]
    assert padded(speech, -100) == [Span(1_100, 2_000), Span(2_600, 3_000)]
    assert padded(speech, -8_000) == [Span(1_999, 2_000), Span(2_999, 3_000)]
