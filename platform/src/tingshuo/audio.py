"""Bytes <-> `Audio`; with `containers` and `encoding` behind it, the only place that knows file formats (PyAV).

What comes in is untrusted. Limits count what was decoded, not what a header claims: 25 MB of 6 kb/s Opus are nine
hours of sound, and a FLAC header may claim 655 350 Hz.

Shapes: `[C, n]` is C channels of n samples.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet

from tingshuo import budget
from tingshuo.budget import Budget, Claim
from tingshuo.containers import ACCEPTED, Upload, audio_stream, invalid, open_container, seekable
from tingshuo.encoding import FORMATS, encode, encode_stream
from tingshuo.errors import InvalidAudio, LimitExceeded
from tingshuo.settings import Settings
from tingshuo.types import Audio, Samples

__all__ = ["ACCEPTED", "FORMATS", "Channel", "Limits", "Side", "encode", "encode_stream", "read_audio", "resample"]

Channel: TypeAlias = Literal["mix", "left", "right", "split"]
Side: TypeAlias = Literal["left", "right"]

#: Hz. Below there is no speech, above there are only forged headers.
SAMPLE_RATES = (1_000, 384_000)
MAX_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """The most one upload may hold: bytes of the file, seconds, bytes of its float32 samples in all channels.

    shared: the bytes that this and all other uploads in hand may take together.
    """

    upload_bytes: int
    seconds: float
    decoded_bytes: int
    shared: Budget | None = field(default=None, compare=False)

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits the server runs with."""
        return cls(
            settings.max_upload_bytes,
            settings.max_audio_seconds,
            settings.max_decoded_bytes,
            budget.shared(settings.max_decoded_bytes_total),
        )


def read_audio(source: BinaryIO | Path, limits: Limits, channel: Channel = "mix") -> list[tuple[Side | None, Audio]]:
    """The sound in `source`, at the file's own sample rate, as [(None, audio)]; for "split" stereo left and right.

    "mix" is the mean of all channels; "left" and "right" need a stereo file; "split" of a mono file is that one
    channel. A float sample that is no number becomes silence, one beyond [-1, 1] is limited. A file that breaks off
    gives what can be decoded. Raises `InvalidAudio`, `LimitExceeded`, or `ServerBusy` while others fill the memory.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                return read_audio(file, limits, channel)
        except OSError as error:
            raise InvalidAudio(f"cannot read {source}: {error.strerror}", param="file") from error
    with Claim(limits.shared or Budget(sys.maxsize)) as claim:
        with seekable(source, limits.upload_bytes) as stream:
            track = _decode(Upload(stream, limits.upload_bytes), _Track(limits, channel, claim))
        rows = np.concatenate(track.pieces, axis=1)
        claim.joined(rows)
    sides: tuple[Side | None, ...] = ("left", "right") if len(rows) == 2 else (None,)
    return [(side, Audio(row, track.sample_rate)) for side, row in zip(sides, rows, strict=True)]


def resample(audio: Audio, sample_rate: int) -> Audio:
    """`audio` at `sample_rate` Hz; the same object where it already is."""
    if audio.sample_rate == sample_rate:
        return audio
    samples = soxr.resample(audio.samples, audio.sample_rate, sample_rate, quality="HQ")
    # A full-scale edge rings above 1 after the low-pass.
    return Audio(np.clip(samples, -1, 1), sample_rate)


@dataclass(slots=True)
class _Track:
    """The samples decoded so far: `pieces` are `[1, n]`, or `[2, n]` for a split stereo file."""

    limits: Limits
    channel: Channel
    claim: Claim
    sample_rate: int = 0
    channels: int = 0
    frames: int = 0
    decoded_bytes: int = 0
    pieces: list[Samples] = field(default_factory=list)

    def add(self, frame: AudioFrame) -> None:
        """Take one decoded frame, after counting it."""
        channels = frame.layout.nb_channels
        _check_shape(frame.sample_rate, channels)
        if not self.pieces:
            self.sample_rate, self.channels = frame.sample_rate, channels
        if frame.sample_rate != self.sample_rate or (channels != self.channels and self.channel != "mix"):
            raise InvalidAudio("the sample rate or the number of channels changes within the file", param="file")
        self._count(frame.samples, channels)
        if frame.samples:
            piece = _picked(_planes(frame), self.channel)
            self.claim.grow(piece.nbytes)
            self.pieces.append(piece)

    def _count(self, frames: int, channels: int) -> None:
        self.frames += frames
        self.decoded_bytes += frames * channels * 4
        if self.frames > self.limits.seconds * self.sample_rate:
            raise LimitExceeded(f"the audio is longer than {self.limits.seconds:g} s", param="file")
        if self.decoded_bytes > self.limits.decoded_bytes:
            raise LimitExceeded(f"the decoded audio exceeds {self.limits.decoded_bytes} bytes", param="file")


def _decode(upload: Upload, track: _Track) -> _Track:
    reason = "it holds no samples"
    try:
        with open_container(upload) as container:
            stream: AudioStream = audio_stream(container)
            for packet in container.demux(stream):
                _decode_packet(packet, track)
    except FFmpegError as error:  # where a file breaks off, what came before it counts
        reason = error.strerror or type(error).__name__
    if not track.pieces:
        raise invalid(f"no sound could be decoded from the file: {reason}")
    return track


def _decode_packet(packet: Packet[AudioStream], track: _Track) -> None:
    try:
        for frame in packet.decode():
            track.add(frame)
    except InvalidDataError:  # a damaged packet is skipped, as every player does
        return


def _check_shape(sample_rate: int, channels: int) -> None:
    low, high = SAMPLE_RATES
    if not low <= sample_rate <= high:
        raise InvalidAudio(f"the sample rate is {sample_rate} Hz; it must lie between {low} and {high}", param="file")
    if not 1 <= channels <= MAX_CHANNELS:
        raise InvalidAudio(f"the audio has {channels} channels; at most {MAX_CHANNELS} are accepted", param="file")


def _planes(frame: AudioFrame) -> Samples:
    """The samples of a frame as float32 `[C, n]` in [-1, 1]."""
    values: npt.NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        return cast(Samples, (values.astype(np.float32) - np.float32(128)) / np.float32(128))
    if values.dtype.kind == "i":
        full_scale = np.float32(2 ** (8 * values.dtype.itemsize - 1))
        return cast(Samples, values.astype(np.float32) / full_scale)
    # Limited before the cast: float64 beyond float32's range would overflow.
    finite = np.nan_to_num(values, nan=0, posinf=1, neginf=-1)
    return cast(Samples, np.clip(finite, -1, 1).astype(np.float32))


def _picked(planes: Samples, channel: Channel) -> Samples:
    if channel == "mix" or (channel == "split" and len(planes) == 1):
        return cast(Samples, planes.mean(axis=0, keepdims=True))
    if len(planes) != 2:
        kind = "mono" if len(planes) == 1 else f"{len(planes)}-channel"
        raise InvalidAudio(f"the file is {kind}; channel {channel!r} needs a stereo file", param="channel")
    if channel == "split":
        return planes
    return planes[:1] if channel == "left" else planes[1:]
