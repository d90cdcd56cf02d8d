"""Files of the field, made by other programs, to sound."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import numpy.typing as npt
import pytest
from sounds import LIMITS, read, tone

from tingshuo.audio import Limits, read_audio
from tingshuo.errors import InvalidAudio, LimitExceeded
from tingshuo.settings import Settings


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
