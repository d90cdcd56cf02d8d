# SPDX-License-Identifier: GPL-3.0-or-later
"""libespeak-ng in this process: text in, int16 samples and timed events out.

The shared library and its data come from the `espeakng_loader` wheel. libespeak-ng keeps one global state
(voice, parameters, synthesis callback), so everything here happens under one lock per process.
C interface: espeak-ng `src/include/espeak-ng/speak_lib.h`, API revision 12.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_short, c_size_t, c_ubyte, c_uint, c_void_p
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

AUDIO_OUTPUT_SYNCHRONOUS = 2  # the callback gets the samples; nothing is played
INITIALIZE_DONT_EXIT = 0x8000  # report missing data instead of ending the process
POSITION_CHARACTER = 1
PHONEMES_IPA = 0x02 | ord("_") << 8  # IPA in UTF-8, "_" between two phonemes of a word
CHARS_UTF8 = 1  # neither espeakSSML (0x10) nor espeakPHONEMES (0x100): the text is only ever text
BUFFER_MS = 200
RANDOM_SEED = 1  # libespeak-ng's noise; its flutter goes on from call to call, so equal texts differ by a little still
DICTIONARY_BYTES = {"cmn_dict": 1_000_000}  # the short cmn dictionary spells most hanzi out as "Chinese letter"


class Parameter(IntEnum):
    """`espeak_PARAMETER`: what `espeak_SetParameter` takes."""

    RATE = 1  # words per minute, 80..450, default 175
    VOLUME = 2  # 0..200, default 100
    PITCH = 3  # 0..100, default 50; 50 steps are one octave
    RANGE = 4  # 0..100, default 50; 0 is a monotone


#: What a call gets for a parameter it does not set: the library would keep the previous call's.
DEFAULTS = {Parameter.RATE: 175, Parameter.VOLUME: 100, Parameter.PITCH: 50, Parameter.RANGE: 50}


class EventType(IntEnum):
    """`espeak_EVENT_TYPE`: the kinds of event that speech without SSML gives."""

    END_OF_LIST = 0
    WORD = 1
    SENTENCE = 2
    END = 5
    MESSAGE_END = 6
    PHONEME = 7
    SAMPLE_RATE = 8


class EspeakError(RuntimeError):
    """libespeak-ng refused a call, or its data is not usable."""


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Something libespeak-ng says about a moment: `position` and `length` in characters, `time` in seconds."""

    type: EventType
    position: int
    length: int
    time: float


@dataclass(frozen=True, slots=True)
class Speech:
    """One synthesised text: mono int16 `samples`, their rate in Hz, and the events along them."""

    samples: NDArray[np.int16]
    sample_rate: int
    events: tuple[SpeechEvent, ...]


class _Id(ctypes.Union):
    _fields_ = (("number", c_int), ("name", c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", c_int),
        ("unique_identifier", c_uint),
        ("text_position", c_int),
        ("length", c_int),
        ("audio_position", c_int),
        ("sample", c_int),
        ("user_data", c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("languages", c_char_p),
        ("identifier", c_char_p),
        ("gender", c_ubyte),
        ("age", c_ubyte),
        ("variant", c_ubyte),
        ("xx1", c_ubyte),
        ("score", c_int),
        ("spare", c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(c_int, ctypes.POINTER(c_short), c_int, ctypes.POINTER(_Event))
_KINDS = frozenset(int(kind) for kind in EventType)


class _Collector:
    """Gathers what the synthesis callback is given during one `espeak_Synth`."""

    def __init__(self) -> None:
        self.chunks: list[NDArray[np.int16]] = []
        self.events: list[SpeechEvent] = []

    def receive(self, wav: ctypes._Pointer[c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wav and count > 0:
            self.chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        for event in _walk(events):
            kind, at = EventType(event.type), event.audio_position / 1000
            self.events.append(SpeechEvent(kind, event.text_position, event.length, at))
        return 0


def _walk(events: ctypes._Pointer[_Event]) -> list[_Event]:
    found: list[_Event] = []
    index = 0
    while events[index].type != EventType.END_OF_LIST:
        if events[index].type in _KINDS:
            found.append(events[index])
        index += 1
    return found


class Library:
    """The process's libespeak-ng. Take it from `library()`; every method is safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._collector = _Collector()
        self._callback = _Callback(lambda wav, count, events: self._collector.receive(wav, count, events))
        data = espeakng_loader.get_data_path()
        _require_dictionaries(data)
        self._c = ctypes.CDLL(espeakng_loader.get_library_path())
        self._c.espeak_Synth.argtypes = (c_char_p, c_size_t, c_uint, c_int, c_uint, c_uint, c_void_p, c_void_p)
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._c.espeak_TextToPhonemes.restype = c_char_p
        self._c.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(c_char_p), c_int, c_int)
        where = str(data).encode()
        self.sample_rate = int(
            self._c.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, where, INITIALIZE_DONT_EXIT)
        )
        if self.sample_rate <= 0:
            raise EspeakError(f"libespeak-ng did not start with the data in {data}")
        self._c.espeak_SetSynthCallback(self._callback)

    def speak(self, voice: str, text: str, parameters: dict[Parameter, int]) -> Speech:
        """`text` in `voice` ("cmn", "en-us", "cmn+f2"). Raises EspeakError for an unknown voice."""
        data = _printable(text).encode("utf-8", "ignore")
        with self._lock:
            self._collector = _Collector()
            self._call(self._c.espeak_SetVoiceByName, voice.encode(), what=f"voice {voice!r}")
            for parameter, value in (DEFAULTS | parameters).items():
                self._call(self._c.espeak_SetParameter, int(parameter), value, 0, what=f"{parameter.name} {value}")
            self._c.espeak_ng_SetRandSeed(ctypes.c_long(RANDOM_SEED))
            arguments = (data, len(data) + 1, 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None)
            self._call(self._c.espeak_Synth, *arguments, what="the text")
            self._call(self._c.espeak_Synchronize, what="the text")
            chunks, events = self._collector.chunks, tuple(self._collector.events)
        samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
        return Speech(samples, self.sample_rate, events)

    def phonemes(self, voice: str, text: str) -> list[str]:
        """The IPA phonemes of `text` as `voice` would say it, without stress marks."""
        rest = c_char_p(_printable(text).encode("utf-8", "ignore"))
        clauses: list[str] = []
        with self._lock:
            self._call(self._c.espeak_SetVoiceByName, voice.encode(), what=f"voice {voice!r}")
            while rest.value is not None:  # the call moves it to the next clause, at the end to NULL
                said = self._c.espeak_TextToPhonemes(ctypes.byref(rest), CHARS_UTF8, PHONEMES_IPA)
                clauses.append(said.decode() if said else "")
        unstressed = " ".join(clauses).replace("ˈ", "").replace("ˌ", "")
        return [sound for word in unstressed.split() for sound in word.split("_") if sound]

    def voices(self) -> list[str]:
        """The language names that libespeak-ng's data offers, such as "cmn" or "en-us"."""
        with self._lock:
            listed = self._c.espeak_ListVoices(None)
            found: list[str] = []
            while listed[len(found)]:
                found.append(listed[len(found)].contents.languages[1:].decode())
        return found

    def _call(self, function: Callable[..., int], *arguments: object, what: str) -> None:
        status = function(*arguments)
        if status != 0:
            raise EspeakError(f"libespeak-ng does not take {what} (status {status})")


def _printable(text: str) -> str:
    """`text` with control characters as spaces: NUL would end the C string, 0x01 starts an embedded command."""
    return "".join(" " if ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 else letter for letter in text)


def _require_dictionaries(data: str) -> None:
    for name, least in DICTIONARY_BYTES.items():
        file = Path(data) / name
        size = file.stat().st_size if file.is_file() else 0
        if size < least:
            raise EspeakError(
                f"{file} has {size} bytes, at least {least} expected: Mandarin would be spelled, not read"
            )


_library: Library | None = None
_start_lock = threading.Lock()


def library() -> Library:
    """The one `Library` of this process, started at the first call."""
    global _library
    with _start_lock:
        if _library is None:
            _library = Library()
        return _library
