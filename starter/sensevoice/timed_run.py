# SPDX-License-Identifier: Apache-2.0
"""What every long training run here has: a clock, a moving average of the weights, a checkpoint that it resumes from.

The learning rate is a function of the time spent, so a run ends when it should on any machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

DECAY = 0.998  # of the moving average
LOG_STEPS = 50
Network = TypeVar("Network", bound=nn.Module)


def warm_cosine(progress: float, *, warmup: float, first: float, least: float) -> float:
    """Share of the highest rate at `progress` 0..1: from `first` up in a line, then half a cosine down to `least`."""
    if progress < warmup:
        return first + (1 - first) * progress / warmup
    return max(least, 0.5 + 0.5 * math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


class TimedRun(Generic[Network]):
    """A network in training, which `average` is the export of.

    `spent` and `budget` are seconds of training, `heard` seconds of speech that it was trained on.
    """

    def __init__(self, path: Path, network: Network, optimizer: torch.optim.Optimizer, minutes: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.network, self.optimizer = path, network, optimizer
        self.budget, self.spent, self.heard, self.step = minutes * 60, 0.0, 0.0, 0
        self.average = {name: value.clone() for name, value in network.state_dict().items()}

    @property
    def progress(self) -> float:
        """Share of the time that is spent, 0..1."""
        return min(1.0, self.spent / self.budget)

    def resume(self) -> dict[str, Any] | None:
        """Go on from the checkpoint and give all that it holds; None where there is none."""
        if not self.path.exists():
            return None
        saved: dict[str, Any] = torch.load(self.path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.average, self.step = saved["average"], saved["step"]
        self.spent, self.heard = saved["spent"], saved["heard"]
        return saved

    def beside(self) -> dict[str, object]:
        """What the checkpoint is to hold beside the run's own."""
        return {}

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        own = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "spent": self.spent,
            "heard": self.heard,
            "step": self.step,
        }
        write_whole(own | self.beside(), self.path)

    def descend(self, parts: Mapping[str, Tensor], rate: float, clip: float) -> dict[str, float]:
        """One step down the sum of `parts` with gradients of at most the norm `clip`; gives the parts as numbers."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        sum(parts.values(), torch.zeros(())).backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        # One batch that overflows must not spoil the weights.
        if torch.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        # The random weights of the beginning are soon forgotten.
        decay = min(DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return {name: float(part.detach()) for name, part in parts.items()}

    def go_on(self, update: Callable[[], Mapping[str, float]], save_seconds: float) -> None:
        """Update until the time is spent; log the mean losses, and save every `save_seconds` and at the end."""
        sums: dict[str, float] = {}
        count, earlier, saved, began = 0, self.spent, self.spent, time.monotonic()
        while self.spent < self.budget:
            for name, value in update().items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            self.spent = earlier + time.monotonic() - began
            if count == LOG_STEPS:
                shown = " ".join(f"{name} {value / count:.4f}" for name, value in sums.items())
                print(f"{self.spent:6.0f} s step {self.step} {shown} {self.heard / 3600:.2f} h", flush=True)
                sums, count = {}, 0
            if self.spent - saved > save_seconds:
                self.save()
                saved = self.spent
        self.save()


def write_whole(document: Mapping[str, object], path: Path) -> None:
    """`torch.save` to `path`, which holds the former document until the new one is complete."""
    part = path.with_suffix(".part")
    torch.save(dict(document), part)
    part.rename(path)
