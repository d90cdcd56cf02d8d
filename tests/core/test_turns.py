"""Turns of speech, told from what sounds like speech and by the level of the sound."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tingshuo import Audio
from tingshuo.g711 import decode_a_law, decode_mu_law
from tingshuo.turns import Boundary, LevelDetector, Turns
from tingshuo.types import Samples, VoiceActivity

RATE = 16_000


def sound(*parts: tuple[float, float]) -> Audio:
    """Noise of (seconds, amplitude) one after the other."""
    rng = np.random.default_rng(0)
    pieces = [amplitude * rng.uniform(-1, 1, int(seconds * RATE)) for seconds, amplitude in parts]
    return Audio(np.concatenate(pieces).astype(np.float32), RATE)


def test_speech_is_what_is_louder_than_the_room() -> None:
    [span] = LevelDetector().find_speech(sound((1, 0.001), (1, 0.1), (1, 0.001)), VoiceActivity())
    assert span == pytest.approx((1, 2), abs=0.03)


@pytest.mark.parametrize("audio", [sound((2, 0.0)), sound((2, 0.0005)), Audio(np.zeros(10, np.float32), RATE)])
def test_silence_and_quiet_rooms_are_no_speech(audio: Audio) -> None:
    assert LevelDetector().find_speech(audio, VoiceActivity()) == []


def test_a_loud_room_becomes_the_floor() -> None:
    detector = LevelDetector()
    for _ in range(200):
        found = detector.find_speech(sound((3, 0.02)), VoiceActivity())
    assert found == []
    assert detector.find_speech(sound((2, 0.02), (1, 0.4)), VoiceActivity()) != []


def test_pauses_shorter_than_the_silence_that_ends_a_turn_are_part_of_it() -> None:
    audio = sound((0.5, 0.1), (0.3, 0), (0.5, 0.1), (0.6, 0), (0.5, 0.1), (0.2, 0))
    assert len(LevelDetector().find_speech(audio, VoiceActivity(silence=0.5))) == 2
    assert len(LevelDetector().find_speech(audio, VoiceActivity(silence=0.25))) == 3
    assert LevelDetector().find_speech(audio, VoiceActivity(silence=0.5))[-1][1] == audio.duration


def test_a_higher_threshold_wants_louder_speech() -> None:
    audio = sound((1, 0.0), (1, 0.01), (1, 0.0))
    assert LevelDetector().find_speech(audio, VoiceActivity(threshold=0.5))
    assert not LevelDetector().find_speech(audio, VoiceActivity(threshold=1.0))


def test_a_turn_begins_with_speech_and_ends_with_its_end() -> None:
    turns = Turns()
    assert turns.heard([], 1.0) is None
    assert turns.heard([(1.2, 1.25)], 1.3) is None  # a click
    assert turns.heard([(1.2, 1.6)], 1.6) == Boundary("started", 1.2)
    assert turns.heard([(1.2, 2.0)], 2.0) is None
    assert turns.heard([(1.2, 2.1)], 2.6) == Boundary("stopped", 2.1)
    assert turns.heard([(1.2, 2.1)], 2.8) is None  # heard already
    assert turns.window(2.8, 0.5) == 2.1
    assert turns.heard([(2.1, 2.15), (2.9, 3.4)], 3.4) == Boundary("started", 2.9)


def test_a_turn_whose_speech_left_the_window_ends() -> None:
    turns = Turns()
    turns.heard([(0.0, 0.5)], 0.5)
    assert turns.heard([], 4.0) == Boundary("stopped", 0.0)


@pytest.mark.parametrize(("codec", "decode"), [("pcm_mulaw", decode_mu_law), ("pcm_alaw", decode_a_law)])
def test_g711_is_decoded_as_ffmpeg_does(codec: str, decode: object) -> None:
    assert callable(decode)
    data = bytes(range(256)) * 2
    name = codec.removeprefix("pcm_")
    with av.open(io.BytesIO(data), mode="r", format=name) as container:
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    expected: Samples = np.concatenate(frames).astype(np.float32) / np.float32(32768)
    assert np.array_equal(decode(data), expected)
