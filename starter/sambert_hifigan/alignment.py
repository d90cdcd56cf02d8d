# SPDX-License-Identifier: Apache-2.0
"""A sentence spoken by eSpeak NG, and how many frames every symbol of its line lasts.

Nothing is estimated: libespeak-ng tells the first sample of every phoneme. What it counts otherwise than the symbol
table is shared out by rule: a final is all phonemes behind the initial, a vowel without an initial gives the onset
symbol before it a share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import soxr
from numpy.typing import NDArray
from reading import MANDARIN, Run, Slot, runs
from sound import HOP
from sound import RATE as VOICE_RATE
from timed_speech import NEXT_WORD, RATE, Sounded, TimedLibrary

from tingshuo_espeak.library import Parameter
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord

LEAD = 0.025  # seconds of silence before the first phone, which belong to it
TAIL = 0.1  # seconds of the last break
COMMA = 0.14  # seconds of a pause between two runs
ONSET_SHARE, ONSET_MOST = 0.3, 0.05  # of a vowel, for the onset symbol before it; seconds
FIRST_SHARE = 0.6  # of an r-coloured vowel, for the vowel


class Misread(ValueError):
    """eSpeak NG said other phonemes than were asked for."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """int16 `samples` at 16 kHz, a whole number of frames, and the frames of each symbol."""

    samples: NDArray[np.int16]
    durations: NDArray[np.int32]


def speak(library: TimedLibrary, sentence: Sequence[ProsodicWord], parameters: dict[Parameter, int]) -> Aligned:
    """The sentence in eSpeak's Mandarin voice, English words in its American one. Raises `Misread`."""
    pieces = [np.zeros(round(LEAD * RATE), np.int16)]
    starts: list[int] = []  # of every symbol, in samples at RATE
    at = len(pieces[0])
    for run in runs(sentence):
        speech = library.speak(run.voice, run.spoken, parameters)
        marks = symbol_starts(run, speech.sounds)
        first, last = marks[0], marks[-1]
        starts += [mark - first + at for mark in marks[:-1]]
        pause = round({3: COMMA, 4: TAIL}.get(run.slots[-1].level, 0) * RATE)
        said = speech.samples[first : last + (pause if run.slots[-1].level == 4 else 0)]
        pieces += [said, np.zeros(last - first + pause - len(said), np.int16)]
        at += last - first + pause
    starts[0] = 0
    samples = soxr.resample(np.concatenate(pieces).astype(np.float32), RATE, VOICE_RATE, quality="HQ")
    frames = -(-len(samples) // HOP)
    bounds = np.minimum(np.round(np.array([*starts, at]) * (VOICE_RATE / RATE / HOP)).astype(np.int32), frames)
    bounds[-1] = frames
    whole = np.pad(samples, (0, frames * HOP - len(samples)))
    return Aligned(np.clip(np.round(whole), -32_768, 32_767).astype(np.int16), np.diff(bounds))


def symbol_starts(run: Run, sounds: Sequence[Sounded]) -> list[int]:
    """The first sample of each symbol of the run, breaks included, and behind them the end of the last phone."""
    groups = _words(sounds) if run.voice == MANDARIN else _phonemes(sounds)
    wanted = sum(max(slot.words, 1) for slot in run.slots)
    if wanted != len(groups) or any(sound.name.startswith("(") for sound in sounds):
        raise Misread(f"{run.spoken}: {len(groups)} parts instead of {wanted}")
    starts: list[int] = []
    end = 0
    for slot in run.slots:
        own, groups = groups[: max(slot.words, 1)], groups[max(slot.words, 1) :]
        end = own[-1][-1]
        starts += _phone_starts(slot, [start for group in own for start in group[:-1]], end)
        starts += [end] if slot.level else []
    return [*starts, end]


def _phone_starts(slot: Slot, marks: Sequence[int], end: int) -> list[int]:
    if slot.phones == 1:
        return [marks[0]]
    if slot.words and slot.onset and len(marks) > 1:
        return [marks[0], marks[1]]
    after = marks[1] if len(marks) > 1 else end
    if slot.words:
        return [marks[0], marks[0] + round(min(ONSET_SHARE * (after - marks[0]), ONSET_MOST * RATE))]
    return [marks[0], marks[0] + round(FIRST_SHARE * (end - marks[0]))]


def _words(sounds: Sequence[Sounded]) -> list[list[int]]:
    """The starts of the phonemes of each of eSpeak's words, and its end."""
    groups: list[list[int]] = [[]]
    for sound in sounds:
        if sound.name == NEXT_WORD:
            groups[-1].append(sound.at)
            groups.append([])
        elif not sound.name.startswith("_"):
            groups[-1].append(sound.at)
    return groups[:-1]


def _phonemes(sounds: Sequence[Sounded]) -> list[list[int]]:
    """Start and end of each phoneme."""
    return [[sound.at, after.at] for sound, after in pairwise(sounds) if not sound.name.startswith("_")]
