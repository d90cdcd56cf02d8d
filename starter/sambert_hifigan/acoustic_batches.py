# SPDX-License-Identifier: Apache-2.0
"""Batches for training the acoustic model: what `corpus.py` wrote, lines of like length together.

An utterance is a file `NNNNN.npz`: line (symbols), emotion, duration [N] in frames, mel [T, 80], f0 [T] in Hz, voiced
[T], pitch and energy [N].
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sambert import Speech
from torch import Tensor

from tingshuo_sambert_hifigan.hyperparameters import Section
from tingshuo_sambert_hifigan.languages import named_alphabet
from tingshuo_sambert_hifigan.symbols import Alphabet

SPEAKER = "F7"
STEP = 3  # frames of one decoder step
FRAMES = 2600  # of one batch
WARPED = 0.12  # share of utterances that are said faster or slower than they were
WARP = 1.9  # at most
ENGLISH = (65, 103)  # places of the ARPAbet phones in the table
ENGLISH_TIMES = 2  # how often an English utterance comes in one pass: it is a fifth of the speech, and slower to learn
Array = NDArray[np.float32]


@dataclass
class Utterance:
    """ids [N, 6], durations [N] in frames, frames [T, 82], pitch and energy [N]; even: False where time was warped."""

    name: str
    ids: NDArray[np.int64]
    durations: NDArray[np.int64]
    frames: Array
    pitch: Array
    energy: Array
    even: bool = True

    @property
    def english(self) -> bool:
        """Whether most of it is."""
        phones = self.ids[:, 0]
        return bool(((phones >= ENGLISH[0]) & (phones <= ENGLISH[1])).mean() > 0.5)


@dataclass
class Batch:
    """Lines, their frames [B, T, 82] with zeros behind the end, and which of them have their own tempo [B]."""

    speech: Speech
    frames: Tensor
    even: Tensor
    names: list[str]


@dataclass(frozen=True)
class F0Scale:
    """Mean and standard deviation of the voiced frames' f0 in Hz: what `am/mvn.npy` holds."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, folder: Path) -> F0Scale:
        """What the corpus in `folder` was normalised with."""
        stated = json.loads((folder / "stats.json").read_text("utf-8"))
        return cls(float(stated["f0_mean"]), float(stated["f0_std"]))


def alphabet() -> Alphabet:
    """The official PinYin tables with the one speaker of this voice."""
    found = named_alphabet(Section("the starter voice", {"speaker_list": SPEAKER}), "PinYin")
    assert found is not None
    return found


def read(file: Path, symbols: Alphabet, scale: F0Scale) -> Utterance:
    """One utterance; f0 goes straight through what is unvoiced."""
    with np.load(file) as stored:
        part = {name: stored[name] for name in ("duration", "mel", "f0", "voiced", "pitch", "energy")}
        line = str(stored["line"])
    voiced = part["voiced"] > 0.5
    if voiced.any():
        f0 = np.interp(np.arange(len(voiced)), voiced.nonzero()[0], part["f0"][voiced])
    else:
        f0 = np.full(len(voiced), scale.mean)
    tracks = np.stack([(f0 - scale.mean) / scale.deviation, voiced], 1)
    frames = np.concatenate([part["mel"], tracks], 1).astype(np.float32)
    ids = symbols.encode(line)[:, :-1].T.astype(np.int64)
    durations = part["duration"].astype(np.int64)
    if len(ids) != len(durations) or durations.sum() != len(frames):
        raise ValueError(f"{file}: {len(ids)} symbols, {len(durations)} durations of {durations.sum()} frames")
    pitch, energy = (part[name].astype(np.float32) for name in ("pitch", "energy"))
    return Utterance(file.stem, ids, durations, frames, pitch, energy)


def warped(one: Utterance, factor: float) -> Utterance:
    """The same, `factor` times as long; the frames are interpolated."""
    ends = np.floor(one.durations.cumsum() * factor + 0.5).astype(np.int64)
    durations = np.diff(ends, prepend=0)
    places = (np.arange(ends[-1]) + 0.5) / factor - 0.5
    low = np.clip(np.floor(places).astype(np.int64), 0, len(one.frames) - 1)
    high, share = np.minimum(low + 1, len(one.frames) - 1), np.clip(places - low, 0, 1)[:, None].astype(np.float32)
    frames = one.frames[low] * (1 - share) + one.frames[high] * share
    frames[:, -1] = frames[:, -1] >= 0.5
    return Utterance(one.name, one.ids, durations, frames, one.pitch, one.energy, even=False)


class Corpus:
    """The utterances of a folder, which may grow: those to train on, or with `development` those kept out of it."""

    def __init__(self, folder: Path, scale: F0Scale, *, development: bool = False) -> None:
        self.folder, self.scale, self.symbols, self.development = folder, scale, alphabet(), development
        self.utterances: dict[str, Utterance] = {}

    def update(self) -> int:
        """Reads what is new; gives the number of utterances."""
        for file in sorted(self.folder.glob("*.npz")):
            if file.stem not in self.utterances and for_development(file) == self.development:
                self.utterances[file.stem] = read(file, self.symbols, self.scale)
        return len(self.utterances)


def for_development(file: Path) -> bool:
    """Whether an utterance is kept out of training: every hundredth."""
    return int(file.stem) % 100 == 99


def batched(group: list[Utterance]) -> Batch:
    """The utterances as one batch."""
    count, length = len(group), max(len(one.ids) for one in group)
    total = max(len(one.frames) for one in group)
    total += -total % STEP
    ids, durations = torch.zeros(count, length, 6, dtype=torch.long), torch.zeros(count, length)
    pitch, energy = torch.zeros(count, length), torch.zeros(count, length)
    place, inside = torch.zeros(count, total, dtype=torch.long), torch.zeros(count, total)
    frames, there = torch.zeros(count, total, group[0].frames.shape[1]), torch.zeros(count, length, dtype=torch.bool)
    for row, one in enumerate(group):
        size, end = len(one.ids), len(one.frames)
        ids[row, :size], there[row, :size] = torch.from_numpy(one.ids), True
        durations[row, :size] = torch.from_numpy(one.durations).float()
        pitch[row, :size], energy[row, :size] = torch.from_numpy(one.pitch), torch.from_numpy(one.energy)
        frames[row, :end] = torch.from_numpy(one.frames)
        place[row, :end] = torch.from_numpy(np.repeat(np.arange(size), one.durations))
        starts = one.durations.cumsum() - one.durations
        inside[row, :end] = torch.arange(end) - torch.from_numpy(np.repeat(starts, one.durations)) + 1
    ends = torch.tensor([len(one.frames) for one in group])
    speech = Speech(ids, there, durations, pitch, energy, place, inside, ends)
    return Batch(speech, frames, torch.tensor([one.even for one in group]), [one.name for one in group])


def grouped(utterances: list[Utterance]) -> Iterator[list[Utterance]]:
    """Cuts a list sorted by length into groups of about FRAMES padded frames."""
    group: list[Utterance] = []
    for one in utterances:
        if group and (len(group) + 1) * len(one.frames) > FRAMES:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def endless(corpus: Corpus, seed: int) -> Iterator[Batch]:
    """Batches without end; before every pass what is new in the folder is read."""
    rng = np.random.default_rng(seed)
    while True:
        corpus.update()
        chosen = [one for one in corpus.utterances.values() for _ in range(ENGLISH_TIMES if one.english else 1)]
        for index in range(len(chosen)):
            if rng.random() < WARPED:
                chosen[index] = warped(chosen[index], float(WARP ** rng.uniform(-1, 1)))
        # Lengths are blurred a little, so that the groups differ from pass to pass.
        chosen.sort(key=lambda one: len(one.frames) * rng.uniform(0.93, 1.07))
        groups = list(grouped(chosen))
        for index in rng.permutation(len(groups)):
            yield batched(groups[index])
