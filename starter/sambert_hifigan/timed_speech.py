# SPDX-License-Identifier: Apache-2.0
"""ESpeak NG's speech with the first sample of every phoneme.

The plugin's `Library` gives word events only. This is a second libespeak-ng in the process, with phoneme events, which
takes phoneme mnemonics in double square brackets. C interface: espeak-ng `src/include/espeak-ng/speak_lib.h`.
"""

from __future__ import annotations

import ctypes
import shutil
import tempfile
from dataclasses import dataclass

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from tingshuo_espeak.library import DEFAULTS, RANDOM_SEED, EventType, Parameter, _Callback, _Event

PHONEME_EVENTS = 0x0001  # espeakINITIALIZE_PHONEME_EVENTS
DONT_EXIT = 0x8000
UTF8_WITH_PHONEMES = 0x0001 | 0x0100  # espeakCHARS_UTF8 | espeakPHONEMES
SYNCHRONOUS, BUFFER_MS, BY_CHARACTER = 2, 200, 1
NEXT_WORD = "_|"
RATE = 22_050


@dataclass(frozen=True, slots=True)
class Sounded:
    """A phoneme by its mnemonic and the sample it begins at; pauses begin with `_`."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    """int16 samples at 22,050 Hz, and the phonemes in them."""

    samples: NDArray[np.int16]
    sounds: tuple[Sounded, ...]


class TimedLibrary:
    """A libespeak-ng of its own, loaded from a copy of the file: its state is global. One thread at a time."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copied = shutil.copy(espeakng_loader.get_library_path(), folder)
            self._c = ctypes.CDLL(copied)
        self._c.espeak_Synth.argtypes = (
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
        )
        where = str(espeakng_loader.get_data_path()).encode()
        rate = int(self._c.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, where, DONT_EXIT | PHONEME_EVENTS))
        if rate != RATE:
            raise RuntimeError(f"libespeak-ng speaks at {rate} Hz; {RATE} was expected")
        self._callback = _Callback(self._receive)
        self._chunks: list[NDArray[np.int16]] = []
        self._sounds: list[Sounded] = []
        self._c.espeak_SetSynthCallback(self._callback)

    def speak(self, voice: str, text: str, parameters: dict[Parameter, int]) -> TimedSpeech:
        """`text`, or phoneme mnemonics between `[[` and `]]`, in `voice`."""
        self._chunks, self._sounds, data = [], [], text.encode()
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"libespeak-ng has no voice {voice!r}")
        for parameter, value in (DEFAULTS | parameters).items():
            self._c.espeak_SetParameter(int(parameter), value, 0)
        self._c.espeak_ng_SetRandSeed(ctypes.c_long(RANDOM_SEED))
        self._c.espeak_Synth(data, len(data) + 1, 0, BY_CHARACTER, 0, UTF8_WITH_PHONEMES, None, None)
        self._c.espeak_Synchronize()
        samples = np.concatenate([np.zeros(0, np.int16), *self._chunks])
        return TimedSpeech(samples, tuple(self._sounds))

    def _receive(self, wav: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wav and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while (event := events[index]).type != EventType.END_OF_LIST:
            if event.type == EventType.PHONEME:
                self._sounds.append(Sounded(event.id.string.decode(), event.sample))
            index += 1
        return 0
