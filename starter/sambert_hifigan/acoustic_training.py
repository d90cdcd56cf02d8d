# SPDX-License-Identifier: Apache-2.0
"""Train the acoustic model of the starter voice.

    python acoustic_training.py CORPUS RUN --minutes 75        resumes from RUN/acoustic.pt where there is one

`../sensevoice/timed_run.py` says how a run goes on; the moving average of the weights is what gets exported.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from acoustic_batches import Batch, Corpus, F0Scale, endless
from sambert import Sambert, Sizes, before_steps
from sound import HOP, RATE
from timed_run import TimedRun, warm_cosine
from torch import Tensor

PEAK_RATE = 2.0e-3
WARMUP = 0.03  # share of the time
#: From this share of the time on, half of the lines go on with the predicted pitch and energy.
OWN_PROSODY = 0.25
#: From this share on, part of what the decoder sees of its past is its own output and not the speech.
OWN_FRAMES = 0.3
NOISE = 0.2  # on the frames that the decoder sees, in standard deviations of their channel
SAVE_SECONDS = 120
MAX_FILES = 400  # to measure the spread of frames on


def mean_of(values: Tensor, there: Tensor) -> Tensor:
    """The mean of `values` where `there` is True; 0 where it never is."""
    return (values * there).sum() / there.sum().clamp_min(1)


def frame_losses(frames: Tensor, wanted: Tensor, there: Tensor, deviations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of mels, f0 and voicing; mels in standard deviations of their channel."""
    error = frames - wanted
    mels = (error[..., :80] / deviations[:80]).abs().mean(-1)
    # f0 counts where it is heard.
    f0 = error[..., 80].abs() * (0.1 + 0.9 * wanted[..., 81])
    return mean_of(mels, there), mean_of(f0, there), mean_of(error[..., 81].square(), there)


class Run(TimedRun[Sambert]):
    """Training of the acoustic model; `scale` and `deviations` are the corpus's, see `measure`."""

    def __init__(self, folder: Path, sizes: Sizes, minutes: float) -> None:
        network, self.sizes = Sambert(sizes), sizes
        learned = [value for value in network.parameters() if value.requires_grad]
        optimizer = torch.optim.AdamW(learned, PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.001)
        super().__init__(folder / "acoustic.pt", network, optimizer, minutes)
        self.scale: F0Scale | None = None
        self.deviations = torch.ones(sizes.num_mels)
        if saved := self.resume():
            self.scale, self.deviations = F0Scale(*saved["f0"]), saved["deviations"]

    def beside(self) -> dict[str, object]:
        assert self.scale is not None
        return {
            "sizes": asdict(self.sizes),
            "f0": (self.scale.mean, self.scale.deviation),
            "deviations": self.deviations,
        }

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The parts of the training loss."""
        speech = batch.speech
        own = torch.rand(len(batch.names)) < (0.5 if self.progress > OWN_PROSODY else 0.0)
        predicted, memory = self.network.variance(speech, own)
        decoded = self.network.decode(speech, memory, self.before(batch, memory))
        finished = self.network.postnet(speech, decoded)
        known = (speech.durations + 1).log()
        wanted_none = (known == 0) & (predicted.durations < 0)
        duration = (predicted.durations - known).abs() * ~wanted_none
        there, frames = speech.there, speech.inside > 0
        first = frame_losses(decoded, batch.frames, frames, self.deviations)
        last = frame_losses(finished, batch.frames, frames, self.deviations)
        return {
            "duration": mean_of(duration, there & batch.even[:, None]),
            "pitch": 0.5 * mean_of((predicted.pitch - speech.pitch).abs(), there),
            "energy": 0.5 * mean_of((predicted.energy - speech.energy).abs(), there),
            "decoder": first[0],
            "mel": last[0],
            "f0": 0.5 * (first[1] + last[1]),
            "voicing": first[2] + last[2],
        }

    def before(self, batch: Batch, memory: Tensor) -> Tensor:
        """What the decoder sees before each step [B, S, M]: the speech with noise, later in part its own output."""
        speech, step = batch.speech, self.sizes.outputs_per_step
        seen = before_steps(batch.frames, step)
        ramp = (self.progress - OWN_FRAMES) / (1 - OWN_FRAMES)
        if ramp > 0 and torch.rand(()) < 0.6:
            with torch.no_grad():
                own = before_steps(self.network.decode(speech, memory, seen + self.noise(seen)), step)
            chosen = torch.rand(*seen.shape[:2], 1) < min(0.8, 0.2 + ramp)
            seen = torch.where(chosen, own, seen)
        return seen + self.noise(seen)

    def noise(self, seen: Tensor) -> Tensor:
        """Noise for frames [B, S, M], of another strength for every line."""
        return torch.randn_like(seen) * self.deviations * NOISE * torch.rand(len(seen), 1, 1)

    def update(self, batch: Batch) -> dict[str, float]:
        """One step; gives the parts of the loss."""
        self.heard += int(batch.speech.frames.sum()) * HOP / RATE
        rate = PEAK_RATE * warm_cosine(self.progress, warmup=WARMUP, first=0.02, least=0.003)
        return self.descend(self.losses(batch), rate, clip=2.0)

    def train(self, batches: Iterator[Batch]) -> None:
        """Until the time is spent."""
        self.go_on(lambda: self.update(next(batches)), SAVE_SECONDS)


def measure(run: Run, folder: Path) -> Corpus:
    """The corpus; a run that is new gets the scale of its f0 and the spread of its frames."""
    if run.scale is None:
        run.scale = F0Scale.of(folder)
        corpus = Corpus(folder, run.scale)
        corpus.update()
        rows = [torch.from_numpy(one.frames) for one in list(corpus.utterances.values())[:MAX_FILES]]
        run.deviations = torch.cat(rows).std(0).clamp_min(0.05)
        with torch.no_grad():
            mean = torch.cat(rows).mean(0)
            run.network.mel_decoder.mel_dec.dec_out_proj.bias.copy_(mean.repeat(run.sizes.outputs_per_step))
        return corpus
    return Corpus(folder, run.scale)


def main() -> None:
    """Train for the time given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    run = Run(given.run, Sizes(), given.minutes)
    corpus = measure(run, given.corpus)
    print(f"{corpus.update()} utterances; {run.scale}", flush=True)
    print(f"{sum(value.numel() for value in run.network.parameters()) / 1e6:.2f} M parameters", flush=True)
    run.train(endless(corpus, given.seed))


if __name__ == "__main__":
    main()
