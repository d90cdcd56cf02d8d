"""Bytes to sound and back, through every format the platform speaks."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import numpy.typing as npt
import pytest

from tingshuo.audio import FORMATS, Limits, encode, encode_stream, read_audio, resample
from tingshuo.errors import EngineFailed, InvalidAudio, LimitExceeded, UnsupportedFormat
from tingshuo.settings import Settings
from tingshuo.types import Audio

LIMITS = Limits(upload_bytes=10**7, seconds=60, decoded_bytes=10**8)
FILES = [name for name in FORMATS if name != "pcm"]


def tone(seconds: float = 0.5, sample_rate: int = 16_000, hertz: float = 220) -> Audio:
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return Audio((0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), sample_rate)


def read(data: bytes, limits: Limits = LIMITS) -> Audio:
    [(channel, audio)] = read_audio(io.BytesIO(data), limits)
    assert channel is None
    return audio


def pitch(audio: Audio) -> float:
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(audio.samples))
    return float(spectrum.argmax() * audio.sample_rate / len(audio.samples))


def wav(samples: npt.NDArray[np.int16], sample_rate: int = 16_000) -> bytes:
    """A 16-bit file of `[n, C]` samples, by the standard library."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def float_wav(samples: npt.NDArray[np.floating], sample_rate: int = 16_000) -> bytes:
    """A mono IEEE float file."""
    data = samples.tobytes()
    size = samples.dtype.itemsize
    form = struct.pack("<HHIIHH", 3, 1, sample_rate, sample_rate * size, size, size * 8)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def muxed(container: str, codec: str, sample_rate: int = 48_000, video: bool = False) -> bytes:
    """Half a second of stereo, a tone left and another right, in any container."""
    out = io.BytesIO()
    samples = np.stack([tone(0.5, sample_rate, hertz).samples for hertz in (220, 660)])
    with av.open(out, "w", format=container) as file:
        picture = file.add_stream("mpeg4", rate=25) if video else None
        stream = file.add_stream(codec, rate=sample_rate, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
            for _ in range(12):
                file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
            file.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = sample_rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


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


# ---- what comes in


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "aac"),
        ("mov", "alac"),
        ("webm", "libopus"),
        ("matroska", "aac"),
        ("matroska", "ac3"),
        ("aiff", "pcm_s16be"),
        ("caf", "pcm_s24le"),
        ("wav", "adpcm_ms"),
        ("wav", "pcm_alaw"),
        ("wav", "pcm_u8"),
        ("wav", "pcm_s32le"),
        ("wav", "pcm_f64le"),
        ("ogg", "libopus"),
    ],
)
def test_containers_and_codecs_of_the_field_are_read_as_the_mean_of_both_channels(container: str, codec: str) -> None:
    audio = read(muxed(container, codec))
    assert audio.sample_rate == 48_000
    assert audio.samples.dtype == np.float32
    assert audio.duration == pytest.approx(0.5, abs=0.1)
    spectrum = np.abs(np.fft.rfft(audio.samples[: 24_000 - 24_000 % 100]))
    loud = {round(index * 48_000 / 24_000 / 10) * 10 for index in spectrum.argsort()[-4:]}
    assert {220, 660} <= loud


def test_a_film_gives_its_sound() -> None:
    assert read(muxed("mp4", "aac", video=True)).duration == pytest.approx(0.5, abs=0.1)


def test_a_film_without_sound_says_so() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as file:
        picture = file.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(picture.encode(None))
    with pytest.raises(InvalidAudio, match="no audio track"):
        read(out.getvalue())


STEREO = wav(np.array([[1000, -2000]] * 800, np.int16))
MONO = wav(np.array([[1000]] * 800, np.int16))


def test_the_channels_of_a_stereo_file_can_be_told_apart() -> None:
    def value(channel: str) -> list[tuple[str | None, int]]:
        found = read_audio(io.BytesIO(STEREO), LIMITS, channel)  # type: ignore[arg-type]
        return [(name, round(float(audio.samples[5]) * 32768)) for name, audio in found]

    assert value("mix") == [(None, -500)]
    assert value("left") == [(None, 1000)]
    assert value("right") == [(None, -2000)]
    assert value("split") == [("left", 1000), ("right", -2000)]


def test_a_mono_file_split_is_one_channel_and_has_no_left_one() -> None:
    [(name, audio)] = read_audio(io.BytesIO(MONO), LIMITS, "split")
    assert name is None
    assert len(audio.samples) == 800
    with pytest.raises(InvalidAudio, match="mono") as error:
        read_audio(io.BytesIO(MONO), LIMITS, "left")
    assert error.value.param == "channel"


def test_six_channels_are_mixed_but_not_split() -> None:
    data = wav(np.array([[600, 0, 0, 0, 0, 0]] * 800, np.int16))
    assert round(float(read(data).samples[0]) * 32768) == 100
    with pytest.raises(InvalidAudio, match="6-channel"):
        read_audio(io.BytesIO(data), LIMITS, "split")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_samples_that_are_no_numbers_are_silenced_and_loud_ones_limited(dtype: type) -> None:
    values: npt.NDArray[np.float64] = np.array([0.5, np.nan, np.inf, -np.inf, 3.0, np.finfo(dtype).max] * 50, dtype)
    heard = read(float_wav(values))
    np.testing.assert_allclose(heard.samples[:6], [0.5, 0, 1, -1, 1, 1])


def test_a_path_an_unseekable_stream_and_a_stream_in_the_middle_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "a recording without suffix"
    path.write_bytes(MONO)

    class Socket(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._rest = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self._rest.read(min(size, 100) if size >= 0 else 100)

    halfway = io.BytesIO(MONO)
    halfway.seek(300)
    sources: list[BinaryIO | Path] = [path, cast(BinaryIO, Socket(MONO)), halfway]
    for source in sources:
        assert len(read_audio(source, LIMITS)[0][1].samples) == 800
    assert not halfway.closed
    with pytest.raises(LimitExceeded, match="larger than 1000 bytes"):
        read_audio(cast(BinaryIO, Socket(MONO)), Limits(1000, 60, 10**8))


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match=r"missing\.wav"):
        read_audio(tmp_path / "missing.wav", LIMITS)
    with pytest.raises(InvalidAudio, match="cannot read"):
        read_audio(tmp_path, LIMITS)


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings(max_upload_bytes=1, max_audio_seconds=2, max_decoded_bytes=3)
    assert Limits.of(settings) == Limits(1, 2, 3)


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
