# SPDX-License-Identifier: Apache-2.0
"""Train the starter recogniser.

    python train.py DATA MODEL --minutes 78        resumes from MODEL/last.pt where there is one

The learning rate is a function of the time spent, so the run ends when it should on any machine. A checkpoint holds
the weights, their moving average (which is what gets exported), the optimizer, and the seconds spent.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from batches import LATIN, Batch, Batches, Corpus, Pieces
from model import QUERIES, SenseVoice, Shape
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

PEAK_RATE = 2.0e-3
WARMUP = 0.04  # share of the time
DECAY = 0.998  # of the moving average
AUXILIARY = 0.5
TAGS = 0.5
SAVE_SECONDS = 180
LOG_STEPS = 50


@dataclass
class Normalisation:
    """Mean and variance normalisation as `am.mvn` has it: (x + shift) * scale."""

    shift: Tensor
    scale: Tensor

    @classmethod
    def measured(cls, batches: Iterator[Batch], count: int = 30) -> Normalisation:
        """Over the first `count` batches."""
        rows = []
        for _ in range(count):
            batch = next(batches)
            rows += [row[:length] for row, length in zip(batch.features, batch.lengths, strict=True)]
        all_rows = torch.cat(rows)
        return cls(-all_rows.mean(0), 1 / all_rows.std(0).clamp_min(0.1))

    def __call__(self, features: Tensor) -> Tensor:
        return (features + self.shift) * self.scale


def learning_rate(progress: float) -> float:
    """For `progress` 0..1: a linear warm-up, then half a cosine to nothing."""
    if progress < WARMUP:
        return PEAK_RATE * (0.02 + 0.98 * progress / WARMUP)
    return PEAK_RATE * max(0.003, 0.5 + 0.5 * math.cos(math.pi * min(1.0, (progress - WARMUP) / (1 - WARMUP))))


def masked(features: Tensor, lengths: Tensor) -> Tensor:
    """Light SpecAugment in place: one band of mels and one stretch of time set to the mean."""
    for row, length in zip(features, lengths.tolist(), strict=True):
        if torch.rand(()) < 0.5:
            width, at = int(torch.randint(1, 12, ())), int(torch.randint(0, 68, ()))
            row.view(len(row), 7, 80)[:, :, at : at + width] = 0
        if torch.rand(()) < 0.5 and length > 30:
            at = int(torch.randint(0, length - 6, ()))
            row[at : at + int(torch.randint(1, 4, ()))] = 0
    return features


def ctc(logits: Tensor, lengths: Tensor, targets: list[list[int]]) -> Tensor:
    """CTC loss per target, logits [B, T, V] without the query rows."""
    sizes = torch.tensor([len(target) for target in targets])
    flat = torch.tensor([piece for target in targets for piece in target])
    scores = logits.float().log_softmax(-1).transpose(0, 1)
    loss = functional.ctc_loss(scores, flat, lengths, sizes, reduction="none", zero_infinity=True)
    return (loss / sizes.clamp_min(4)).mean()


def losses(model: SenseVoice, batch: Batch, normalise: Normalisation) -> dict[str, Tensor]:
    """The parts of the training loss."""
    pieces, syllables = model(masked(normalise(batch.features), batch.lengths), batch.lengths, batch.queries)
    return {
        "ctc": ctc(pieces[:, QUERIES:], batch.lengths, batch.targets),
        "syllables": AUXILIARY * ctc(syllables[:, QUERIES:], batch.lengths, batch.spelled),
        "tags": TAGS
        * functional.cross_entropy(pieces[:, :QUERIES].flatten(0, 1), batch.tags.flatten(), label_smoothing=0.05),
    }


class Run:
    """One training run: model, optimizer, moving average, clock."""

    def __init__(self, folder: Path, shape: Shape, minutes: float) -> None:
        self.path, self.budget, self.spent, self.step = folder / "last.pt", minutes * 60, 0.0, 0
        self.model = SenseVoice(shape)
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.normalise: Normalisation | None = None
        if self.path.exists():
            saved = torch.load(self.path, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.average, self.spent, self.step = saved["average"], saved["spent"], saved["step"]
            self.normalise = Normalisation(*saved["normalisation"])

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        assert self.normalise is not None
        state: dict[str, object] = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        state |= {"spent": self.spent, "step": self.step, "normalisation": (self.normalise.shift, self.normalise.scale)}
        part = self.path.with_suffix(".part")
        torch.save(state, part)
        part.rename(self.path)

    def update(self, batch: Batch) -> dict[str, float]:
        """One step; gives the parts of the loss."""
        assert self.normalise is not None
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.spent / self.budget)
        parts = losses(self.model, batch, self.normalise)
        loss = sum(parts.values(), torch.zeros(()))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        decay = min(DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return {name: float(part.detach()) for name, part in parts.items()}

    def train(self, batches: Iterator[Batch]) -> None:
        """Until the time is spent."""
        self.normalise = self.normalise or Normalisation.measured(batches)
        seen, sums, saved, began = 0, dict.fromkeys(("ctc", "syllables", "tags"), 0.0), self.spent, time.monotonic()
        earlier = self.spent
        while self.spent < self.budget:
            batch = next(batches)
            for name, value in self.update(batch).items():
                sums[name] += value / LOG_STEPS
            seen += int(batch.lengths.sum())
            self.spent = earlier + time.monotonic() - began
            if self.step % LOG_STEPS == 0:
                shown = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
                print(f"{self.spent:6.0f} s step {self.step} {shown} {seen * 0.06 / 3600:.1f} h", flush=True)
                sums = dict.fromkeys(sums, 0.0)
            if self.spent - saved > SAVE_SECONDS:
                self.save()
                saved = self.spent
        self.save()


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=float, default=78)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    pieces = Pieces(given.model / "chn_jpn_yue_eng_ko_spectok.bpe.model")
    corpus = Corpus(given.data, pieces)
    print(f"{len(corpus.utterances)} utterances, {pieces.count} pieces, {len(pieces.syllables)} syllables", flush=True)
    run = Run(given.model, Shape(pieces.count, LATIN + len(pieces.syllables)), given.minutes)
    print(f"{sum(value.numel() for value in run.model.parameters()) / 1e6:.2f} M parameters", flush=True)
    loader = DataLoader(Batches(corpus, pieces, given.seed), batch_size=None, num_workers=1, prefetch_factor=6)
    run.train(iter(loader))


if __name__ == "__main__":
    main()
