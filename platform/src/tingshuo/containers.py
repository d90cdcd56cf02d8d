"""An untrusted file, opened by FFmpeg with as little of FFmpeg as will do.

FFmpeg gets an open file, never a name or URL; a demuxer from a short list, chosen by the file's first bytes; a decoder
from a short list; and no way to open a second file.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, NoReturn

import av
from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.container import InputContainer

from tingshuo.errors import InvalidAudio, LimitExceeded

#: What is taken, as told to whoever sent something else.
ACCEPTED = "wav, mp3, flac, ogg, opus, m4a, aac, mp4, mov, mkv, webm, aiff, caf, amr"

#: (offset, magic bytes, FFmpeg's demuxer). Playlist, image and subtitle demuxers open other files: none is here.
_MAGIC = (
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"caff", "caf"),
    (0, b"#!AMR", "amr"),
    *((4, box, "mov") for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
)
#: Where mp3 and ADTS begin with a tag or a broken frame, FFmpeg looks for their headers, and for no other format's.
_UNMARKED = "mp3,aac"
#: Decoders of speech and film sound. 64-bit integers are left out: PyAV cannot hand them over.
_DECODERS = frozenset(
    (
        *("aac", "aac_latm", "ac3", "adpcm_ima_wav", "adpcm_ms", "alac", "amrnb", "amrwb", "eac3", "flac", "g722"),
        *("g723_1", "g729", "gsm", "gsm_ms", "libopencore_amrnb", "libopencore_amrwb", "libopus", "mp1", "mp1float"),
        *("mp2", "mp2float", "mp3", "mp3float", "opus", "speex", "vorbis"),
        *(name for name in av.codecs_available if name.startswith("pcm_") and not name.startswith("pcm_s64")),
    )
)

#: Bytes of an upload kept in memory before it goes to a temporary file, and bytes read at once.
_SPOOL_BYTES = 2**23
_BLOCK_BYTES = 2**20
#: A read counts as at least this many bytes, so that reading nothing for ever ends too.
_LEAST_COST = 2**12


def invalid(what: str) -> InvalidAudio:
    """The error that says what is wrong with a file and which formats would do."""
    return InvalidAudio(f"{what}; accepted are: {ACCEPTED}", param="file")


class Upload:
    """What FFmpeg sees of a file: bytes without a name, and an end to reading them over and over."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        if self.size > limit:
            _too_large(limit)
        stream.seek(0)
        self.head = stream.read(12)
        stream.seek(0)
        # A crafted index can send a demuxer round in circles; an honest film is read about twice.
        self._budget = 64 * self.size + 2**26

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer at the end."""
        if self._budget < 0:
            return b""  # it was told once; a second error would be printed by PyAV, not raised
        data = self._stream.read(size)
        self._budget -= max(len(data), _LEAST_COST)
        if self._budget < 0:
            raise InvalidAudio("the file's index leads in circles; it cannot be decoded", param="file")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and tell where to."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Where the next read begins."""
        return self._stream.tell()


@contextlib.contextmanager
def seekable(stream: BinaryIO, limit: int) -> Iterator[IO[bytes]]:
    """The stream itself where one can seek in it, else a copy of at most `limit` bytes."""
    if stream.seekable():
        yield stream
        return
    with SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        while block := stream.read(_BLOCK_BYTES):
            if spool.tell() + len(block) > limit:
                _too_large(limit)
            spool.write(block)
        yield spool


def _too_large(limit: int) -> NoReturn:
    raise LimitExceeded(f"the file is larger than {limit} bytes", param="file")


def _refuse_open(url: str, flags: int, options: Mapping[str, str]) -> NoReturn:
    raise InvalidAudio("the file refers to another file; send the sound itself", param="file")


def _demuxer(head: bytes) -> str | None:
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF0 == 0xF0:
        # 12 bits of frame sync; the layer bits are 0 in ADTS alone.
        return "mp3" if head[1] & 0b110 else "aac"
    return next((name for at, magic, name in _MAGIC if head[at : at + len(magic)] == magic), None)


def open_container(upload: Upload) -> InputContainer:
    """The file's container, to be closed by the caller. Raises `InvalidAudio` and `av.error.FFmpegError`."""
    if not upload.size:
        raise invalid("the file is empty")
    demuxer = _demuxer(upload.head)
    return av.open(
        upload,
        "r",
        format=demuxer,
        container_options={"format_whitelist": demuxer or _UNMARKED, "codec_whitelist": ",".join(_DECODERS)},
        metadata_errors="replace",
        io_open=_refuse_open,
    )


def audio_stream(container: InputContainer) -> AudioStream:
    """The first audio track; raises `InvalidAudio` where there is none or its codec is not on the list."""
    if not container.streams.audio:
        raise invalid("the file has no audio track")
    stream = container.streams.audio[0]
    context: CodecContext | None = stream.codec_context  # None for a codec that FFmpeg does not know at all
    if context is None or context.name not in _DECODERS:
        raise invalid(f"the audio codec {context.name if context else 'of the file'} is not supported")
    context.thread_count = 1
    return stream
