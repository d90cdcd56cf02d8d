# SPDX-License-Identifier: Apache-2.0
"""Train the starter vocoder.

    python vocoder_training.py CORPUS RUN --minutes 60 [--predicted FOLDER]     resumes from RUN/last.pt

RUN/vocoder.pt is what `voice_export.py` takes: the weights' moving average under the official names.
`../sensevoice/timed_run.py` says how a run goes on. --predicted: a folder of frames that the acoustic model gave for
the corpus's durations, `NNNNN.npy` [T, 82] (80 mels, normalised f0, voicing); half of the segments are then made from
those.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sound import HOP, MELS, RATE
from timed_run import TimedRun, warm_cosine, write_whole
from torch import Tensor
from vocoder import CONFIG, excitation, losses, official, parameters, untrained

from tingshuo_sambert_hifigan.hifigan import VOICED, Generator

PEAK_RATE, LEAST_RATE = 1.2e-3, 2e-5
WARMUP = 0.01  # share of the time
SEGMENT, BATCH = 40, 16  # frames, which no utterance of a corpus has fewer of; segments
LOWEST_F0 = 30.0  # Hz, as the engine has it
BLUR = 0.3  # share of the segments whose mel frames are smeared as an acoustic model smears them
SAVE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Recording:
    """Mel frames [T, 80], f0 in Hz and voicing [T, 2], samples [T * HOP] of one utterance."""

    mel: NDArray[np.float32]
    source: NDArray[np.float32]
    samples: NDArray[np.int16]


def read(corpus: Path) -> list[Recording]:
    """The utterances of a corpus."""
    found = []
    for path in sorted(corpus.glob("[0-9]*.npz")):
        with np.load(path) as stored:
            source = np.stack([stored["f0"], stored["voiced"]], 1)
            found.append(Recording(stored["mel"], source, stored["samples"]))
    return found


def read_predicted(corpus: Path, folder: Path) -> list[Recording]:
    """The utterances of a corpus with what the acoustic model made of them."""
    stats = json.loads((corpus / "stats.json").read_text("utf-8"))
    found = []
    for path in sorted(folder.glob("*.npy")):
        frames = np.load(path).astype(np.float32)
        f0 = np.maximum(frames[:, MELS] * stats["f0_std"] + stats["f0_mean"], LOWEST_F0)
        source = np.stack([f0, frames[:, MELS + 1] >= VOICED], 1).astype(np.float32)
        with np.load(corpus / f"{path.stem}.npz") as stored:
            samples = stored["samples"]
        if len(samples) == len(frames) * HOP:
            found.append(Recording(frames[:, :MELS], source, samples))
    return found


class Segments:
    """Draws batches: mel [B, 80, T], f0 and voicing [B, 2, T], samples [B, T * HOP]."""

    def __init__(self, recordings: list[Recording], predicted: list[Recording], seed: int) -> None:
        self.pools = [pool for pool in (recordings, predicted) if pool]
        self.rng = np.random.default_rng(seed)

    def batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Draw one."""
        mels, sources, waves = [], [], []
        for row in range(BATCH):
            pool = self.pools[row % len(self.pools)]
            one = pool[self.rng.integers(len(pool))]
            at = int(self.rng.integers(len(one.mel) - SEGMENT + 1))
            mels.append(self._smeared(one.mel[at : at + SEGMENT]))
            sources.append(one.source[at : at + SEGMENT].T)
            waves.append(one.samples[at * HOP : (at + SEGMENT) * HOP].astype(np.float32) / np.float32(32_768))
        return tuple(torch.from_numpy(np.stack(part)) for part in (mels, sources, waves))  # type: ignore[return-value]

    def _smeared(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.rng.random() < BLUR:
            padded = np.pad(mel, ((1, 1), (1, 1)), mode="edge")
            share = self.rng.uniform(0.05, 0.25)
            sides = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
            mel = (1 - share) * mel + share / 4 * sides
            mel = mel + self.rng.normal(0, 0.05, mel.shape).astype(np.float32)
        return np.ascontiguousarray(mel.T, dtype=np.float32)


class Run(TimedRun[Generator]):
    """Training of the vocoder."""

    def __init__(self, folder: Path, minutes: float) -> None:
        network = untrained()
        learned = [value for value in network.parameters() if value.requires_grad]
        optimizer = torch.optim.Adam(learned, PEAK_RATE, betas=(0.8, 0.99))
        super().__init__(folder / "last.pt", network, optimizer, minutes)
        self.resume()

    def save(self) -> None:
        """Write the checkpoint, and beside it what is exported."""
        super().save()
        network = Generator(CONFIG)
        network.load_state_dict(self.average)
        exported = {"generator": official(network), "params": parameters(CONFIG), "step": self.step}
        write_whole(exported, self.path.with_name("vocoder.pt"))

    def update(self, mel: Tensor, source: Tensor, samples: Tensor) -> dict[str, float]:
        """One step; gives the parts of the loss."""
        self.heard += samples.numel() / RATE
        made = self.network(mel, excitation(self.network, source[:, 0], source[:, 1]))[:, 0]
        rate = PEAK_RATE * warm_cosine(self.progress, warmup=WARMUP, first=0.05, least=LEAST_RATE / PEAK_RATE)
        return self.descend(losses(made, samples), rate, clip=5.0)

    def train(self, segments: Segments) -> None:
        """Until the time is spent."""
        self.go_on(lambda: self.update(*segments.batch()), SAVE_SECONDS)


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--predicted", type=Path)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(given.seed)
    run = Run(given.run, given.minutes)
    predicted = read_predicted(given.corpus, given.predicted) if given.predicted else []
    recordings = read(given.corpus)
    count = sum(value.numel() for value in run.network.parameters()) / 1e6
    print(f"{len(recordings)} utterances, {len(predicted)} predicted, {count:.2f} M parameters", flush=True)
    run.train(Segments(recordings, predicted, given.seed))


if __name__ == "__main__":
    main()
