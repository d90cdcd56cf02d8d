# SPDX-License-Identifier: Apache-2.0
"""Batches for training: stored speech, changed as `augment.py` says, with its queries and targets."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from augment import APPLAUSE, MUSIC, NONE, RATE, Sounds, coloured, noise
from features import WIDTH, features
from numpy.typing import NDArray
from phonemes import units
from pypinyin import Style, lazy_pinyin, pinyin
from text import plain
from torch import Tensor
from torch.utils.data import IterableDataset

ROW = 960  # samples of one feature row
LANGUAGE_QUERY = {"auto": 0, "zh": 3, "en": 4}
TAG_QUERIES = (1, 2)  # what asks for emotion and event is always the same
WITHITN, WOITN = 14, 15
EVENT_TAG = {NONE: "Speech", MUSIC: "BGM", APPLAUSE: "Applause"}
SILENT = -1  # only noise: no speech, no event
ROWS = 1500  # feature rows of one batch
ENGLISH_TIMES = 2  # how often an English utterance comes in one pass: a third of the speech, and slower to learn
LATIN = 600  # auxiliary ids below are English units (0 is the blank), Mandarin syllables follow


@dataclass(frozen=True)
class Utterance:
    """Stored speech and what is said in it; `plain` and `marked` are piece ids, `spelled` auxiliary ids."""

    part: int
    at: int
    length: int
    text: str
    language: str
    emotion: str
    plain: list[int]
    marked: list[int]
    spelled: list[int]


@dataclass
class Batch:
    """What a training step takes: features [B, T, 560] with lengths, queries and tags [B, 4], three target lists."""

    features: Tensor
    lengths: Tensor
    queries: Tensor
    tags: Tensor
    targets: list[list[int]]
    spelled: list[list[int]]


class Pieces:
    """The sentencepiece model, and the syllables of the auxiliary output."""

    def __init__(self, path: Path) -> None:
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.count: int = self.model.vocab_size()
        pieces = [self.model.id_to_piece(index) for index in range(self.count)]
        sounds = {sound for piece in pieces if re.fullmatch("[\u4e00-\u9fff]", piece) for sound in spell_all(piece)}
        self.syllables = {sound: LATIN + index for index, sound in enumerate(sorted(sounds))}

    def encode(self, text: str, language: str) -> list[int]:
        """Piece ids; English words carry their leading space from the first on."""
        ids: list[int] = self.model.encode((" " if language == "en" else "") + text)
        return ids

    def tag(self, name: str) -> int:
        """The id of `<|name|>`."""
        return int(self.model.piece_to_id(f"<|{name}|>"))

    def spell(self, text: str) -> list[int]:
        """Auxiliary ids of a Mandarin text: toned syllables; what is no hanzi is left out."""
        sounds = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
        return [self.syllables[sound] for sound in sounds if sound in self.syllables]


def spell_all(character: str) -> list[str]:
    """Every reading of one character, and the same in the neutral tone."""
    readings: list[str] = pinyin(character, style=Style.TONE3, neutral_tone_with_five=True, heteronym=True)[0]
    return readings + [reading[:-1] + "5" for reading in readings]


def for_development(text: str) -> bool:
    """Whether a sentence is kept out of training: by its own checksum, so that no sentence is in both."""
    return zlib.crc32(plain(text).encode()) % 40 == 0


class Corpus:
    """The utterances of a folder that `speech.py` wrote, without those that hold unknown characters."""

    def __init__(self, folder: Path, pieces: Pieces, development: bool = False) -> None:
        self.samples: list[NDArray[np.int16]] = []
        self.utterances: list[Utterance] = []
        for index in sorted(folder.glob("*.jsonl")):
            self.samples.append(np.load(index.with_suffix(".npy"), mmap_mode="r"))
            for line in index.read_text("utf-8").splitlines():
                row = json.loads(line)
                if for_development(row["text"]) == development:
                    self._add(row, pieces)

    def _add(self, row: dict[str, Any], pieces: Pieces) -> None:
        language, bare = row["language"], plain(row["text"])
        said, marked = pieces.encode(bare, language), pieces.encode(row["text"], language)
        rows = int(row["length"]) // ROW
        if 0 in said or not said or 0 in marked or rows < len(marked) * 1.15 + 2:
            return
        place = (len(self.samples) - 1, int(row["at"]), int(row["length"]))
        spelled = units(row["phonemes"]) if language == "en" else pieces.spell(bare)
        self.utterances.append(Utterance(*place, row["text"], language, row["emotion"], said, marked, spelled))

    def wave(self, utterance: Utterance) -> Tensor:
        """Its samples in [-1, 1]."""
        part = self.samples[utterance.part][utterance.at : utterance.at + utterance.length]
        return torch.from_numpy(part.astype(np.float32) / np.float32(32_768))


class Batches(IterableDataset[Batch]):
    """Endless training batches of about ROWS feature rows, utterances of like length together."""

    def __init__(self, corpus: Corpus, pieces: Pieces, seed: int, sounds: int = 60) -> None:
        self.corpus, self.pieces = corpus, pieces
        self.rng = np.random.default_rng(seed)
        self.sounds = Sounds.made(sounds, seed)
        times = [ENGLISH_TIMES if one.language == "en" else 1 for one in corpus.utterances]
        self.drawn = np.repeat(np.arange(len(times)), times)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            order = self.rng.permutation(self.drawn)
            for start in range(0, len(order), 3000):
                chosen = [self.corpus.utterances[index] for index in order[start : start + 3000]]
                groups = grouped(sorted(chosen, key=lambda one: one.length))
                for index in self.rng.permutation(len(groups)):
                    yield self.batch(groups[index])

    def batch(self, group: list[Utterance]) -> Batch:
        """One batch of the `group` and a few clips without speech."""
        rng = self.rng
        kinds = [int(kind) for kind in rng.choice([NONE, MUSIC, APPLAUSE], len(group), p=[0.84, 0.1, 0.06])]
        waves = [self.padded(self.corpus.wave(one)) for one in group]
        empty = [
            int(kind)
            for kind in rng.choice([MUSIC, APPLAUSE, SILENT], rng.binomial(len(group), 0.06), p=[0.4, 0.35, 0.25])
        ]
        longest = max(len(wave) for wave in waves)
        waves += [torch.zeros(int(longest * rng.uniform(0.5, 1))) for _ in empty]
        lengths = [len(wave) for wave in waves]
        sound = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)
        self.mix(sound, lengths, kinds + empty, len(group))
        sound = finish(sound, rng)
        for row, kind in enumerate(empty, len(group)):
            if kind == SILENT:
                sound[row] *= 10 ** -rng.uniform(0, 4) if rng.random() < 0.7 else 0
        rows = [features(wave[:length]) for wave, length in zip(sound, lengths, strict=True)]
        return self.targets(rows, group, kinds, empty)

    def padded(self, wave: Tensor) -> Tensor:
        """`wave` with a little silence at both ends, most of the time."""
        if self.rng.random() < 0.3:
            return wave
        before, after = (int(self.rng.uniform(0, 0.4) * RATE) for _ in range(2))
        return torch.nn.functional.pad(wave, (before, after))

    def mix(self, sound: Tensor, lengths: list[int], kinds: list[int], spoken: int) -> None:
        """Adds music or applause to the clips [B, N] in place: 0 to 12 dB below speech, alone where none is."""
        for row, (length, kind) in enumerate(zip(lengths, kinds, strict=True)):
            if kind in (MUSIC, APPLAUSE):
                other = self.sounds.draw(kind, length, self.rng)
                level = 10 ** (-self.rng.uniform(0, 12) / 20) if row < spoken else 1.0
                voice = float(sound[row, :length].square().mean().sqrt()) if row < spoken else 0.1
                sound[row, :length] += level * voice / 0.1 * other

    def targets(self, rows: list[Tensor], group: list[Utterance], kinds: list[int], empty: list[int]) -> Batch:
        """The batch of the feature `rows`: spoken ones of `group` first, then the `empty` ones."""
        queries, tags, targets, tag = [], [], [], self.pieces.tag
        for one, kind in zip(group, kinds, strict=True):
            marked = self.rng.random() < 0.5
            said = LANGUAGE_QUERY[one.language if self.rng.random() < 0.5 else "auto"]
            queries.append([said, *TAG_QUERIES, WITHITN if marked else WOITN])
            names = (one.language, one.emotion.upper(), EVENT_TAG[kind], "withitn" if marked else "woitn")
            tags.append([tag(name) for name in names])
            targets.append(one.marked if marked else one.plain)
        for kind in empty:
            itn = int(self.rng.choice([WITHITN, WOITN]))
            queries.append([int(self.rng.choice([0, 0, 3, 4])), *TAG_QUERIES, itn])
            names = (
                "nospeech",
                "EMO_UNKNOWN",
                EVENT_TAG.get(kind, "Event_UNK"),
                "withitn" if itn == WITHITN else "woitn",
            )
            tags.append([tag(name) for name in names])
            targets.append([])
        lengths = torch.tensor([len(row) for row in rows])
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        spelled = [one.spelled for one in group] + [[] for _ in empty]
        return Batch(
            padded.view(len(rows), -1, WIDTH), lengths, torch.tensor(queries), torch.tensor(tags), targets, spelled
        )


def grouped(utterances: list[Utterance]) -> list[list[Utterance]]:
    """Cuts a list sorted by length into batches of about ROWS padded feature rows."""
    groups: list[list[Utterance]] = [[]]
    for one in utterances:
        if groups[-1] and (len(groups[-1]) + 1) * (one.length // ROW + 8) > ROWS:
            groups.append([])
        groups[-1].append(one)
    return groups


def finish(sound: Tensor, rng: np.random.Generator) -> Tensor:
    """The clips [B, N] through a channel, with noise 10..45 dB below them, at any usual level."""
    size, length = sound.shape
    padded = torch.nn.functional.pad(sound, (0, -length % 4000))
    out = torch.where(torch.from_numpy(rng.random((size, 1)) < 0.5), coloured(padded, rng), padded)[:, :length]
    level = out.square().mean(1, keepdim=True).sqrt().clamp_min(1e-3)
    snr = rng.uniform(10, 45, (size, 1)) + 60 * (rng.random((size, 1)) < 0.35)
    amount = torch.from_numpy(10 ** (-snr / 20)).float()
    out = out + noise((size, length), rng) * level * amount
    peak = out.abs().amax(1, keepdim=True).clamp_min(1e-4)
    target = torch.from_numpy(10 ** (-rng.uniform(0, 22, (size, 1)) / 20)).float()
    return (out * target / peak).clamp(-1, 1)
