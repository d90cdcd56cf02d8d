# SPDX-License-Identifier: Apache-2.0
"""Say the corpus again with the acoustic model, in the time of the original: what a vocoder can be tuned on.

    python copy_mels.py CORPUS RUN/acoustic.pt OUT

For every utterance OUT/NNNNN.npy, [T, 82] float32: mels, f0 normalised by the corpus's scale, voicing. Durations are
those of the speech; pitch, energy and frames are the model's own. Prints how far the mels of utterances that were kept
out of training are from the speech, in standard deviations, and how far durations, pitch and f0 are.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from acoustic_batches import Batch, Corpus, F0Scale, Utterance, batched, grouped
from sambert import Sambert, Sizes, before_steps
from torch import Tensor

PASSES = 60
SETTLED = 2e-3  # change of a frame's value from pass to pass below which more passes change nothing that is heard


def trained(saved: dict[str, Any]) -> Sambert:
    """The averaged model of a checkpoint of `acoustic_training.py`, ready to speak."""
    sizes: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in saved["sizes"].items()
    }
    model = Sambert(Sizes(**sizes))
    model.load_state_dict(saved["average"])
    return model.eval()


def spoken(model: Sambert, batch: Batch) -> Tensor:
    """Finished frames [B, T, 82] in the durations of the speech, each step from the model's own frames before it.

    The decoder is run on all steps at once with the frames of the pass before, until they no longer change: after as
    many passes as there are steps that is exactly step by step, and in fact it settles far earlier.
    """
    speech, step = batch.speech, model.mel_decoder.mel_dec.step
    _, memory = model.variance(speech, torch.ones(len(batch.names), dtype=torch.bool))
    frames = torch.zeros_like(batch.frames)
    for _ in range(PASSES):
        following = model.decode(speech, memory, before_steps(frames, step))
        change = float((following - frames).abs().max())
        frames = following
        if change < SETTLED:
            break
    return model.postnet(speech, frames)


def errors(model: Sambert, batch: Batch, deviations: Tensor) -> dict[str, Tensor]:
    """Sums over the batch, and what to divide them by, of the differences between model and speech."""
    speech, voiced = batch.speech, batch.frames[..., 81] > 0.5
    predicted, _ = model.variance(speech, torch.zeros(len(batch.names), dtype=torch.bool))
    frames, there = spoken(model, batch), speech.inside > 0
    difference = (frames - batch.frames).abs() / deviations
    durations = (predicted.durations.relu().exp() - 0.5).floor()
    return {
        "mels": (difference[..., :80].mean(-1) * there).sum() / there.sum(),
        "f0": (difference[..., 80] * voiced).sum() / voiced.sum() * deviations[80],
        "voicing": (((frames[..., 81] >= 0.6) != voiced) & there).sum() / there.sum(),
        "duration": ((durations - speech.durations).abs() * speech.there).sum() / speech.there.sum(),
        "length": (((durations * speech.there).sum(1) / speech.frames) - 1).abs().mean(),
        "pitch": ((predicted.pitch - speech.pitch).abs() * speech.there).sum() / speech.there.sum(),
        "energy": ((predicted.energy - speech.energy).abs() * speech.there).sum() / speech.there.sum(),
    }


def write(model: Sambert, utterances: list[Utterance], out: Path) -> None:
    """The frames of the utterances, a file each."""
    out.mkdir(parents=True, exist_ok=True)
    for group in grouped(sorted(utterances, key=lambda one: len(one.frames))):
        frames = spoken(model, batched(group)).numpy()
        for row, one in zip(frames, group, strict=True):
            np.save(out / f"{one.name}.npy", row[: len(one.frames)].astype(np.float32))


@torch.no_grad()
def main() -> None:
    """Measure, and write to the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("acoustic", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=100_000, help="utterances at most")
    given = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(given.acoustic, map_location="cpu", weights_only=True)
    model, scale = trained(saved), F0Scale(*saved["f0"])
    kept = Corpus(given.corpus, scale, development=True)
    kept.update()
    sums: dict[str, list[float]] = {}
    for group in grouped(sorted(kept.utterances.values(), key=lambda one: len(one.frames))):
        for name, value in errors(model, batched(group), saved["deviations"]).items():
            sums.setdefault(name, []).append(float(value))
    print(" ".join(f"{name} {np.mean(values):.3f}" for name, values in sums.items()), flush=True)
    if given.out is not None:
        corpus = Corpus(given.corpus, scale)
        corpus.update()
        utterances = list(corpus.utterances.values())
        write(model, utterances[:: max(1, len(utterances) // given.count)], given.out)


if __name__ == "__main__":
    main()
