"""Samples while the mel frames still come: the vocoder, which remembers what it needs, in steps of a few lengths.

The pieces joined are what one pass over all frames gives, up to the rounding of float32; and memory stays that of one
step however long the line is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from tingshuo_sambert_hifigan.filters import Memory
from tingshuo_sambert_hifigan.hifigan import VOICED, Draws
from tingshuo_sambert_hifigan.vocoder import Vocoder


@dataclass(frozen=True, slots=True)
class Steps:
    """How a line is cut. sizes: frames of a step, ascending; growing: whether to begin with the first of them, for
    samples that come early, or with the last.
    """

    sizes: tuple[int, ...]
    growing: bool

    def at(self, number: int) -> int:
        """The size of step `number` as long as the line goes on."""
        return self.sizes[min(number, len(self.sizes) - 1) if self.growing else -1]

    def last(self, left: int) -> int:
        """The size of the next step where `left` frames are left, fewer than a step would take: what does not fill it
        up is lost, so the smallest that holds them, or several in turn where that wastes much.
        """
        enough = min(size for size in self.sizes if size >= left)
        return enough if enough - left <= self.sizes[0] else max(size for size in self.sizes if size <= left)


#: oneDNN builds its convolutions anew for every length it meets: about 70 ms of one core and 25 MB for a vocoder of the
#: official size. So there are few lengths, and what is shorter is filled up. Longer steps than these 2.25 s were no
#: faster, as they leave the cache, and take more memory.
SIZES = (36, 84, 180)
STREAMED, WHOLE = Steps(SIZES, growing=True), Steps(SIZES, growing=False)


class VocoderStream:
    """One line on its way through the vocoder."""

    def __init__(self, vocoder: Vocoder, frames: int, draws: Draws | None, steps: Steps) -> None:
        self.vocoder, self.draws, self.steps = vocoder, draws, steps
        self.memory = Memory(frames)
        self.number = self.received = 0
        #: What was received and has not gone through.
        self.mel: Tensor | None = None
        self.excitation: Tensor | None = None
        self.cycles: Tensor | None = None

    def push(self, mel: Tensor) -> Iterator[Tensor]:
        """Finished mel frames [1, n, M] in, the samples [L] that they allow out."""
        if self.draws is not None:
            mel, pitch = mel[..., :-2], mel[..., -2:]
            self._excite(pitch.transpose(1, 2), self.draws)
        self.received += mel.shape[1]
        self.mel = mel if self.mel is None else torch.cat([self.mel, mel], dim=1)
        end = self.memory.frames + self.vocoder.delay
        while (left := end - self.memory.at) > 0:
            size = self.steps.at(self.number)
            if size > left:
                size = self.steps.last(left)
            if self.mel.shape[1] < size and self.received < self.memory.frames:
                return
            samples = self._step(size)
            self.number += 1
            if samples.shape[-1]:
                yield samples

    def _excite(self, pitch: Tensor, draws: Draws) -> None:
        """Extend the excitation by pitch [1, 2, n], with the phases going on from where they were."""
        source = self.vocoder.source_module
        f0, voiced = pitch[:, :1], pitch[:, 1:]
        pitch = torch.cat([f0, (voiced >= VOICED).to(f0)], dim=1)
        if self.cycles is None:
            self.cycles = f0.new_zeros(1, source.count, 1, dtype=torch.float64)
        # The noise of these frames; the draws are made for the line as a whole.
        noise = draws.noise[..., self.received * source.hop :][..., : pitch.shape[-1] * source.hop].to(f0.device)
        excitation, self.cycles = source(pitch, self.cycles, Draws(draws.phase.to(f0.device), noise))
        self.excitation = excitation if self.excitation is None else torch.cat([self.excitation, excitation], dim=-1)

    def _step(self, size: int) -> Tensor:
        """The samples that the next `size` frames complete; zeros follow the last."""
        assert self.mel is not None
        mel, self.mel = self.mel[:, :size].transpose(1, 2), self.mel[:, size:]
        excitation = None
        if self.excitation is not None:
            count = size * self.vocoder.config.hop
            excitation, self.excitation = self.excitation[..., :count], self.excitation[..., count:]
            excitation = F.pad(excitation, (0, count - excitation.shape[-1]))
        samples: Tensor = self.vocoder.push(F.pad(mel, (0, size - mel.shape[-1])), excitation, self.memory)[0, 0]
        return samples
