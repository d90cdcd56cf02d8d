# SPDX-License-Identifier: Apache-2.0
"""Train the starter recogniser.

    python train.py DATA MODEL --minutes 78        resumes from MODEL/last.pt where there is one
    python train.py DATA MODEL --minutes 25 --init SHIPPED --peak 6e-4      begins with exported weights

`timed_run` says how a run goes on; the moving average of the weights is what gets exported.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from augment import RATE
from batches import LATIN, ROW, Batch, Batches, Corpus, Pieces
from features import MELS, STACK
from model import QUERIES, SenseVoice, Shape
from timed_run import TimedRun, warm_cosine
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

PEAK_RATE = 2.0e-3
WARMUP = 0.04  # share of the time
AUXILIARY = 0.5  # weight of the syllables' part of the loss
TAGS = 0.5  # and of the tags'
BAND = 12  # fewer mels than this are masked
SAVE_SECONDS = 180


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

    @classmethod
    def read(cls, path: Path) -> Normalisation:
        """From `am.mvn`."""
        shift, scale = (
            torch.tensor([float(value) for value in numbers.split()])
            for numbers in re.findall(r"<LearnRateCoef> 0 \[([^\]]*)\]", path.read_text("utf-8"))
        )
        return cls(shift, scale)


def masked(features: Tensor, lengths: Tensor) -> Tensor:
    """Light SpecAugment in place: one band of mels and one stretch of time set to the mean."""
    for row, length in zip(features, lengths.tolist(), strict=True):
        if torch.rand(()) < 0.5:
            width, at = int(torch.randint(1, BAND, ())), int(torch.randint(0, MELS - BAND, ()))
            row.view(len(row), STACK, MELS)[:, :, at : at + width] = 0
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


class Run(TimedRun[SenseVoice]):
    """Training of the recogniser; `init`: a folder of exported weights to begin with."""

    def __init__(self, folder: Path, shape: Shape, minutes: float, init: Path | None, peak: float) -> None:
        network, self.peak = SenseVoice(shape), peak
        if init:
            exported = torch.load(init / "model.pt", weights_only=True)
            # The auxiliary layer is not exported; it is quickly learned again.
            network.load_state_dict(exported, strict=False)
        optimizer = torch.optim.AdamW(network.parameters(), peak, betas=(0.9, 0.98), weight_decay=0.01)
        super().__init__(folder / "last.pt", network, optimizer, minutes)
        self.normalise = Normalisation.read(init / "am.mvn") if init else None
        if saved := self.resume():
            self.normalise = Normalisation(*saved["normalisation"])

    def beside(self) -> dict[str, object]:
        assert self.normalise is not None
        return {"normalisation": (self.normalise.shift, self.normalise.scale)}

    def update(self, batch: Batch) -> dict[str, float]:
        """One step; gives the parts of the loss."""
        assert self.normalise is not None
        self.heard += int(batch.lengths.sum()) * ROW / RATE
        rate = self.peak * warm_cosine(self.progress, warmup=WARMUP, first=0.02, least=0.003)
        return self.descend(losses(self.network, batch, self.normalise), rate, clip=2.0)

    def train(self, batches: Iterator[Batch]) -> None:
        """Until the time is spent."""
        self.normalise = self.normalise or Normalisation.measured(batches)
        self.go_on(lambda: self.update(next(batches)), SAVE_SECONDS)


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=float, default=78)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--init", type=Path, help="an exported SenseVoiceSmall directory to begin with")
    parser.add_argument("--peak", type=float, default=PEAK_RATE, help="the highest learning rate")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    pieces = Pieces(given.model / "chn_jpn_yue_eng_ko_spectok.bpe.model")
    corpus = Corpus(given.data, pieces)
    print(f"{len(corpus.utterances)} utterances, {pieces.count} pieces, {len(pieces.syllables)} syllables", flush=True)
    run = Run(given.model, Shape(pieces.count, LATIN + len(pieces.syllables)), given.minutes, given.init, given.peak)
    print(f"{sum(value.numel() for value in run.network.parameters()) / 1e6:.2f} M parameters", flush=True)
    loader = DataLoader(Batches(corpus, pieces, given.seed), batch_size=None, num_workers=1, prefetch_factor=6)
    run.train(iter(loader))


if __name__ == "__main__":
    main()
