"""What is recognised together: merging, cutting at quiet points, loud stretches without speech."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tingshuo.types import Samples
from tingshuo_sensevoice.spans import Span, at_least_a_window, block_levels, cut, loud_gaps, merge

RATE = 16000


def seconds(start: float, end: float) -> Span:
    return Span(round(start * RATE), round(end * RATE))


def noise(length: float, level: float = 0.1, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, level, round(length * RATE)).astype(np.float32)


def test_neighbours_are_joined_until_the_limit() -> None:
    speech = [seconds(1, 4), seconds(5, 8), seconds(9, 15), seconds(16, 20)]
    assert merge(speech, [], 15 * RATE) == [seconds(1, 15), seconds(16, 20)]


def test_silence_at_the_ends_is_left_out_of_what_is_merged() -> None:
    assert merge([seconds(7, 8), seconds(9, 10)], [], 15 * RATE) == [seconds(7, 10)]


def test_nothing_is_joined_across_music() -> None:
    speech = [seconds(0, 2), seconds(6, 8), seconds(9, 10)]
    assert merge(speech, [seconds(2.5, 5.5)], 15 * RATE) == [seconds(0, 2), seconds(6, 10)]


def test_a_long_stretch_is_cut_in_its_pause() -> None:
    samples = noise(40)
    samples[round(18.4 * RATE) : round(18.8 * RATE)] = 0
    first, second = cut(seconds(0, 40), block_levels(samples), 30 * RATE)
    assert first.end == second.start
    assert 18.4 <= first.end / RATE <= 18.8


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 200), st.floats(1, 30), st.floats(0, 5))
def test_parts_cover_a_stretch_and_none_is_longer_than_the_limit(length: float, limit: float, start: float) -> None:
    span = seconds(start, start + length)
    longest = int(limit * RATE)
    parts = cut(span, block_levels(noise(start + length)), longest)
    assert parts[0].start == span.start
    assert parts[-1].end == span.end
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert all(0 < len(part) <= longest for part in parts)
    assert len(parts) == 1 or min(map(len, parts)) >= longest // 6


def test_loud_stretches_outside_speech_are_found() -> None:
    samples = np.concatenate([noise(3), np.zeros(2 * RATE, np.float32), noise(4, 0.02), noise(3, 0.001), noise(0.5)])
    found = loud_gaps([seconds(0, 3)], block_levels(samples))
    assert found == [seconds(5, 9)]


def test_a_short_dip_does_not_end_a_loud_stretch() -> None:
    clap = np.concatenate([noise(0.3, 0.2), np.zeros(RATE // 5, np.float32)])
    found = loud_gaps([], block_levels(np.tile(clap, 6)))
    assert [len(span) / RATE for span in found] == [pytest.approx(2.8)]


def test_speech_itself_is_no_loud_gap() -> None:
    assert loud_gaps([seconds(0, 5)], block_levels(noise(5))) == []


def test_a_short_span_is_widened_within_the_audio() -> None:
    assert at_least_a_window(Span(0, 10), 1000) == Span(0, 400)
    assert at_least_a_window(Span(990, 1000), 1000) == Span(600, 1000)
    assert at_least_a_window(Span(0, 1000), 1000) == Span(0, 1000)
