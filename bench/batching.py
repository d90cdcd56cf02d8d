"""Whether recognising several clips in one forward pass pays, against one after another.

    python bench/batching.py [--model DIR] [--seconds 5] [--threads 1] [--sizes 1,2,4,8]

The acoustic model alone, on equal clips, the case that suits batching best: nothing is padded. Prints the table of
docs/performance.md. CPU seconds count work, also on a machine that is busy with something else; wall seconds do not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tingshuo.types import Samples
from tingshuo_sensevoice.engine import STARTER
from tingshuo_sensevoice.model import AcousticModel, Question, load_acoustic_model

RATE = 16_000
ROUNDS = 5


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """The least (CPU, wall) seconds of `ROUNDS` rounds after one to warm up: what disturbs only ever adds."""
    work()
    taken = []
    for _ in range(ROUNDS):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        taken.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(one for one, _ in taken), min(one for _, one in taken)


def one_by_one(model: AcousticModel, clips: list[Samples]) -> list[object]:
    return [model.hear([clip], [Question()]) for clip in clips]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER / "SenseVoiceSmall")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sizes", default="1,2,4,8")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model, rng = load_acoustic_model(given.model), np.random.default_rng(0)
    print(f"clips of {given.seconds:g} s, {given.threads} threads, torch {torch.__version__}\n")
    print("| clips | one by one, CPU s per clip | together, CPU s per clip | together / one by one, CPU | wall |")
    print("|---|---|---|---|---|")
    for size in map(int, given.sizes.split(",")):
        clips = [rng.normal(0, 0.1, int(given.seconds * RATE)).clip(-1, 1).astype(np.float32) for _ in range(size)]
        alone = seconds(partial(one_by_one, model, clips))
        together = seconds(partial(model.hear, clips, [Question()] * size))
        ratios = [both / each for both, each in zip(together, alone, strict=True)]
        print(f"| {size} | {alone[0] / size:.4f} | {together[0] / size:.4f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main()
