"""`Audio` -> the bytes of a response format, whole or as a stream. Import it from `tingshuo.audio`."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from tingshuo.errors import EngineFailed, InvalidAudio, UnsupportedFormat
from tingshuo.types import Audio, Samples

SampleFormat: TypeAlias = Literal["s16", "flt", "fltp"]


@dataclass(frozen=True, slots=True)
class _Encoding:
    """How FFmpeg writes a response format. `sample_rates` are those the codec takes; empty means any."""

    media_type: str
    muxer: str
    encoder: str
    sample_format: SampleFormat
    sample_rates: tuple[int, ...] = ()
    bit_rate: int | None = None
    muxer_options: tuple[tuple[str, str], ...] = ()

    def sample_rate(self, wanted: int) -> int:
        """The lowest rate the codec takes that loses nothing of `wanted`, else its highest."""
        rates = self.sample_rates
        return wanted if not rates else min((rate for rate in rates if rate >= wanted), default=max(rates))


_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
#: Microseconds of sound in an Ogg page, 1 s by default: a stream is heard a page at a time.
_SHORT_PAGES = (("page_duration", "200000"),)
_ENCODINGS = {
    "mp3": _Encoding("audio/mpeg", "mp3", "libmp3lame", "fltp", _MP3_RATES, 64_000),
    "opus": _Encoding("audio/ogg", "ogg", "libopus", "flt", _OPUS_RATES, 48_000, _SHORT_PAGES),
    "aac": _Encoding("audio/aac", "adts", "aac", "fltp", (*_MP3_RATES, 64_000, 88_200, 96_000), 64_000),
    "flac": _Encoding("audio/flac", "flac", "flac", "s16"),
    "wav": _Encoding("audio/wav", "wav", "pcm_s16le", "s16"),
    # OpenAI's clients assume 24 kHz for the one format that cannot say its rate.
    "pcm": _Encoding("audio/pcm", "s16le", "pcm_s16le", "s16", (24_000,)),
}
#: Response format -> media type. Opus travels in Ogg, so its type is that of Ogg (RFC 7845).
FORMATS: Mapping[str, str] = {name: encoding.media_type for name, encoding in _ENCODINGS.items()}


class _Pipe:
    """Where FFmpeg writes while a reply is streamed. It has no `seek`, so headers are written for streaming."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since last asked."""
        data = bytes(self._written)
        self._written.clear()
        return data


def encode(audio: Audio, format: str) -> bytes:  # noqa: A002 - OpenAI's word for it
    """`audio` as a file of that response format. Raises `UnsupportedFormat`, and `InvalidAudio` for no samples."""
    sink = io.BytesIO()
    for _ in _written([audio], _encoding(format), sink):
        pass
    return sink.getvalue()


def encode_stream(pieces: Iterable[Audio], format: str) -> Iterator[bytes]:  # noqa: A002
    """The joined `pieces` (of one sample rate) as a file in parts, each as early as the codec gives it."""
    return _streamed(pieces, _encoding(format))


def _encoding(name: str) -> _Encoding:
    if name not in _ENCODINGS:
        raise UnsupportedFormat(
            f"no response format {name!r}; there are: {', '.join(FORMATS)}", param="response_format"
        )
    return _ENCODINGS[name]


def _streamed(pieces: Iterable[Audio], encoding: _Encoding) -> Iterator[bytes]:
    pipe = _Pipe()
    for _ in _written(pieces, encoding, pipe):
        if data := pipe.taken():
            yield data
    if data := pipe.taken():
        yield data


def _written(pieces: Iterable[Audio], encoding: _Encoding, sink: io.BytesIO | _Pipe) -> Iterator[None]:
    """Write the file into `sink`, pausing after every block of about a second."""
    start = iter(pieces)
    first = next((piece for piece in start if len(piece.samples)), None)
    if first is None:
        raise InvalidAudio("there is no sound to encode")
    sample_rate = encoding.sample_rate(first.sample_rate)
    options = {"fflags": "+bitexact", **dict(encoding.muxer_options)}
    with av.open(sink, "w", format=encoding.muxer, container_options=options) as container:
        stream = container.add_stream(encoding.encoder, rate=sample_rate, layout="mono", format=encoding.sample_format)
        assert isinstance(stream, AudioStream)
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        written = 0
        for block in _blocks(itertools.chain([first], start), sample_rate):
            frame = _frame(block, encoding.sample_format, sample_rate, written)
            written += len(block)
            container.mux(stream.encode(frame))
            yield
        container.mux(stream.encode(None))


def _blocks(pieces: Iterator[Audio], sample_rate: int) -> Iterator[Samples]:
    """The samples of the pieces at `sample_rate` Hz in blocks of at most a second, joined without a seam."""
    first = next(pieces)
    same = first.sample_rate == sample_rate
    resampler = None if same else soxr.ResampleStream(first.sample_rate, sample_rate, 1, "float32", quality="HQ")
    total = 0
    for piece in itertools.chain([first], pieces):
        if piece.sample_rate != first.sample_rate:
            raise EngineFailed(f"the sample rate changes from {first.sample_rate} to {piece.sample_rate} Hz")
        for start in range(0, len(piece.samples), piece.sample_rate):
            block = piece.samples[start : start + piece.sample_rate]
            ready = resampler.resample_chunk(block) if resampler else block
            total += len(ready)
            if len(ready):
                yield ready
    rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True) if resampler else np.zeros(0, np.float32)
    if len(rest) or not total:  # the few samples of a click may round to none at a lower rate
        yield rest if len(rest) else np.zeros(1, np.float32)


def _frame(block: Samples, sample_format: SampleFormat, sample_rate: int, start: int) -> AudioFrame:
    # Limited, never wrapped: a sample of 1.01 becomes 32767, not -32441.
    values = np.clip(np.nan_to_num(block), -1, 1)
    if sample_format == "s16":
        array = np.clip(np.rint(values * np.float32(32768)), -32768, 32767).astype(np.int16)
    else:
        array = values.astype(np.float32)
    frame = AudioFrame.from_ndarray(array[np.newaxis], format=sample_format, layout="mono")
    frame.sample_rate = sample_rate
    frame.time_base = Fraction(1, sample_rate)
    frame.pts = start
    return frame
