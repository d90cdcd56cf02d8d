"""What an engine in a process of its own and the platform tell each other, over a socket pair.

A message is a JSON header and float32 samples, each after its length. Nothing is pickled: an engine that an attacker
took over through a crafted file can send wrong words, not code.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from pydantic import TypeAdapter

from tingshuo.errors import EngineFailed, TingshuoError
from tingshuo.types import Audio, Samples, Segment, TranscribeOptions, Transcript, Utterance

Header: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spans:
    """(start, end) in seconds."""

    spans: tuple[tuple[float, float], ...]


#: What engines give.
Value: TypeAlias = Audio | Segment | Transcript | Spans | None

#: Lengths in bytes of header and samples.
_LENGTHS = struct.Struct("!IQ")
#: Bytes beyond which a message is nonsense: a transcript of a day, the samples of a day at 48 kHz.
_MOST_HEADER, _MOST_SAMPLES = 2**28, 2**34
#: Bytes given to the socket at a time, and seconds between two looks whether the message is still wanted.
_CHUNK, _LOOK = 2**20, 0.1

OPTIONS = TypeAdapter(TranscribeOptions)
UTTERANCE = TypeAdapter(Utterance)
_SEGMENT = TypeAdapter(Segment)
_TRANSCRIPT = TypeAdapter(Transcript)


class Wire:
    """One end of the pair. Any thread may send, one receives."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._sending = threading.Lock()

    def send(
        self, header: Mapping[str, object], samples: Samples | None = None, check: Callable[[], object] = int
    ) -> None:
        """Send a message; `check` is called now and then and may raise to give up, which leaves the wire useless."""
        body = json.dumps(header).encode()
        sound = _bytes(np.zeros(0, np.float32) if samples is None else np.ascontiguousarray(samples, np.float32))
        with self._sending:
            for part in (memoryview(_LENGTHS.pack(len(body), len(sound)) + body), sound):
                self._send(part, check)

    def receive(self) -> tuple[Header, Samples]:
        """The next message; raises `EOFError` where the other end is gone or talks nonsense."""
        lengths = bytearray(_LENGTHS.size)
        self._receive(memoryview(lengths))
        header_bytes, sample_bytes = _LENGTHS.unpack(lengths)
        if header_bytes > _MOST_HEADER or sample_bytes > _MOST_SAMPLES or sample_bytes % 4:
            raise EOFError(f"a message of {header_bytes} and {sample_bytes} bytes")
        body, samples = bytearray(header_bytes), np.empty(sample_bytes // 4, np.float32)
        self._receive(memoryview(body))
        self._receive(_bytes(samples))
        header: Header = json.loads(body)
        return header, samples

    def close(self) -> None:
        """Tell the other end that nothing more will come, and stop receiving."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other end was faster
            return

    def _send(self, part: memoryview, check: Callable[[], object]) -> None:
        while part:
            try:
                part = part[self._socket.send(part[:_CHUNK], socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                select.select([], [self._socket], [], _LOOK)
                check()

    def _receive(self, into: memoryview) -> None:
        while into:
            try:
                count = self._socket.recv_into(into)
            except OSError as error:
                raise EOFError(str(error)) from error
            if not count:
                raise EOFError("the other end is closed")
            into = into[count:]


def _bytes(samples: Samples) -> memoryview:
    # A view of nothing cannot be cast.
    return samples.data.cast("B") if len(samples) else memoryview(b"")


# ---- values


def packed(value: Value) -> tuple[Header, Samples | None]:
    """The header fields and samples that stand for `value`."""
    match value:
        case Audio():
            return {"type": "audio", "sample_rate": value.sample_rate}, value.samples
        case Segment():
            return {"type": "segment", "value": _SEGMENT.dump_python(value, mode="json")}, None
        case Transcript():
            return {"type": "transcript", "value": _TRANSCRIPT.dump_python(value, mode="json")}, None
        case Spans():
            return {"type": "spans", "value": value.spans}, None
        case None:
            return {"type": "nothing"}, None


def unpacked(header: Header, samples: Samples) -> Value:
    """The value that `packed` was given."""
    match header["type"]:
        case "audio":
            return Audio(samples, int(header["sample_rate"]))
        case "segment":
            return _SEGMENT.validate_python(header["value"])
        case "spans":
            return Spans(tuple((float(start), float(end)) for start, end in header["value"]))
        case "transcript":
            return _TRANSCRIPT.validate_python(header["value"])
        case _:
            return None


def packed_error(error: TingshuoError) -> Header:
    """The header fields that stand for an error."""
    return {
        "error": type(error).__name__,
        "message": error.message,
        "param": error.param,
        "retry_after": error.retry_after,
    }


def unpacked_error(header: Header) -> TingshuoError:
    """The error that `packed_error` was given; `EngineFailed` for a class that this process does not know."""
    kind = _error_classes(TingshuoError).get(header["error"], EngineFailed)
    return kind(header["message"], param=header["param"], retry_after=header["retry_after"])


def _error_classes(root: type[TingshuoError]) -> dict[str, type[TingshuoError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _error_classes(child)
    return found
