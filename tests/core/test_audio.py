"""Bytes to sound and back, through every format the platform speaks."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Generator, Iterator

import numpy as np
import pytest
from sounds import read, tone

from tingshuo.audio import FORMATS, encode, encode_stream, resample
from tingshuo.errors import EngineFailed, InvalidAudio, UnsupportedFormat
from tingshuo.types import Audio

FILES = [name for name in FORMATS if name != "pcm"]


def pitch(audio: Audio) -> float:
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(audio.samples))
    return float(spectrum.argmax() * audio.sample_rate / len(audio.samples))


# ---- every format, both ways


@pytest.mark.parametrize("sample_rate", [1_000, 8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 384_000])
@pytest.mark.parametrize("name", FILES)
def test_what_is_encoded_can_be_read_back_at_any_sample_rate(name: str, sample_rate: int) -> None:
    audio = tone(1.0, sample_rate)
    heard = read(encode(audio, name))
    assert heard.duration == pytest.approx(audio.duration, abs=0.3)
    assert pitch(heard) == pytest.approx(220, abs=3)
    middle = heard.samples[len(heard.samples) // 3 : len(heard.samples) * 2 // 3]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("name", FILES)
def test_a_stream_in_pieces_is_the_same_sound_without_seams(name: str) -> None:
    audio = tone(1.5, 22_050)
    pieces = [Audio(part, 22_050) for part in np.array_split(audio.samples, 7)]
    heard = read(b"".join(encode_stream(pieces, name)))
    assert pitch(heard) == pytest.approx(220, abs=3)
    middle = heard.samples[len(heard.samples) // 4 : len(heard.samples) // 2]
    steepest = 0.5 * 2 * np.pi * 220 / heard.sample_rate
    assert np.abs(np.diff(middle)).max() < 1.3 * steepest


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 48_000, 384_000])
def test_a_single_sample_is_a_file_too(name: str, sample_rate: int) -> None:
    assert len(read(encode(Audio(np.full(1, 0.5, np.float32), sample_rate), name)).samples) >= 1


@pytest.mark.parametrize("name", FORMATS)
def test_no_samples_are_refused_not_encoded(name: str) -> None:
    with pytest.raises(InvalidAudio, match="no sound to encode"):
        encode(Audio(np.zeros(0, np.float32), 16_000), name)
    with pytest.raises(InvalidAudio, match="no sound to encode"):
        list(encode_stream([], name))


def test_an_unknown_response_format_names_the_known_ones() -> None:
    with pytest.raises(UnsupportedFormat, match="there are: mp3, opus, aac, flac, wav, pcm"):
        encode(tone(), "midi")
    with pytest.raises(UnsupportedFormat):  # at once, not when the first part is asked for
        encode_stream([tone()], "midi")


def test_pcm_is_bare_16_bit_at_24_khz() -> None:
    data = encode(tone(1.0, 16_000), "pcm")
    samples = np.frombuffer(data, "<i2")
    assert len(samples) == 24_000
    assert pitch(Audio(samples.astype(np.float32), 24_000)) == pytest.approx(220, abs=2)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_lossless_formats_keep_every_16_bit_sample(name: str) -> None:
    values = np.arange(-32768, 32768, 7).astype(np.int16)
    samples = values.astype(np.float32) / np.float32(32768)
    heard = read(encode(Audio(samples, 16_000), name))
    assert heard.sample_rate == 16_000
    np.testing.assert_array_equal(heard.samples, samples)


@pytest.mark.parametrize("name", ["wav", "pcm"])
def test_overdriven_sound_is_limited_and_never_wraps(name: str) -> None:
    data = encode(Audio(np.array([1.5, -1.5, 1.0, np.nan, np.inf], np.float32).repeat(200), 24_000), name)
    samples = np.frombuffer(data[44:] if name == "wav" else data, "<i2")[:1000].reshape(5, 200)
    assert samples.mean(axis=1).tolist() == [32767, -32768, 32767, 0, 32767]


def test_the_sizes_in_a_wav_header_are_true() -> None:
    data = encode(tone(1.0), "wav")
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnframes() == 16_000


def test_a_stream_gives_its_first_bytes_before_the_last_piece_is_spoken() -> None:
    spoken: list[int] = []

    def pieces() -> Iterator[Audio]:
        for index in range(5):
            spoken.append(index)
            yield tone(1.0, 24_000)

    parts = encode_stream(pieces(), "mp3")
    assert len(next(parts)) > 100
    assert len(spoken) < 5


def test_a_stream_can_be_given_up_in_the_middle() -> None:
    parts = encode_stream((tone(1.0) for _ in range(5)), "opus")
    next(parts)
    assert isinstance(parts, Generator)
    parts.close()


def test_pieces_of_different_sample_rates_are_an_engine_fault() -> None:
    with pytest.raises(EngineFailed, match="from 16000 to 8000 Hz"):
        list(encode_stream([tone(), tone(sample_rate=8_000)], "wav"))


# ---- resampling


@pytest.mark.parametrize(("source", "target"), [(8_000, 16_000), (44_100, 16_000), (384_000, 16_000), (1_000, 48_000)])
def test_resampling_keeps_pitch_length_and_range(source: int, target: int) -> None:
    heard = resample(tone(1.0, source), target)
    assert heard.sample_rate == target
    assert heard.samples.dtype == np.float32
    assert heard.duration == pytest.approx(1.0, abs=0.01)
    assert pitch(heard) == pytest.approx(220, abs=2)


def test_resampling_to_the_same_rate_gives_the_same_object() -> None:
    audio = tone()
    assert resample(audio, 16_000) is audio


def test_resampling_a_full_scale_square_stays_within_full_scale() -> None:
    square = np.sign(tone(1.0, 8_000).samples).astype(np.float32)
    assert np.abs(resample(Audio(square, 8_000), 44_100).samples).max() <= 1
