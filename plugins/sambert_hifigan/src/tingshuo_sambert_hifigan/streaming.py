"""Samples while the mel frames still come: the vocoder in windows that overlap by its receptive field.

A window's inner samples depend on nothing outside it, so the pieces joined are what one pass over all frames gives,
up to the rounding of float32; and memory stays that of one window however long the line is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tingshuo_sambert_hifigan.hifigan import VOICED, Draws, Generator


@dataclass(frozen=True, slots=True)
class Windows:
    """Frames of the first window and of the largest; each is twice the one before."""

    first: int
    largest: int


#: The first piece after 30 frames (0.4 s at 80 frames/s), later ones longer, as each costs its overlap.
STREAMED = Windows(30, 240)
#: 5 s of audio: the overlap of 34 frames then costs 8 %, and the activations stay below 100 MB.
WHOLE = Windows(400, 400)


class VocoderStream:
    """One line on its way through the vocoder."""

    def __init__(self, vocoder: Generator, frames: int, draws: Draws | None, windows: Windows) -> None:
        self.vocoder, self.frames, self.draws, self.windows = vocoder, frames, draws, windows
        self.before, self.after = vocoder.config.reach()
        self.window = windows.first
        #: Frames given out so far, and the frame at which the buffers begin.
        self.done = self.start = 0
        self.mel: Tensor | None = None
        self.excitation: Tensor | None = None
        self.cycles: Tensor | None = None

    def push(self, mel: Tensor) -> Iterator[Tensor]:
        """Finished mel frames [1, n, M] in, the samples [L] that they allow out."""
        if self.draws is not None:
            mel, pitch = mel[..., :-2], mel[..., -2:]
            self._excite(pitch.transpose(1, 2), self.draws)
        self.mel = mel if self.mel is None else torch.cat([self.mel, mel], dim=1)
        received = self.start + self.mel.shape[1]
        while self.done < self.frames:
            end = min(self.done + self.window, self.frames)
            # A short rest joins the last window instead of costing an overlap of its own.
            end = self.frames if self.frames - end <= self.window // 4 else end
            needed = min(end + self.after, self.frames)
            if received < needed:
                return
            yield self._window(end, needed)

    def _excite(self, pitch: Tensor, draws: Draws) -> None:
        """Extend the excitation by pitch [1, 2, n], with the phases going on from where they were."""
        source = self.vocoder.source_module
        f0, voiced = pitch[:, :1], pitch[:, 1:]
        pitch = torch.cat([f0, (voiced >= VOICED).to(f0)], dim=1)
        if self.cycles is None:
            self.cycles = f0.new_zeros(1, source.count, 1, dtype=torch.float64)
        # The noise of these frames; the draws are made for the line as a whole.
        first = 0 if self.excitation is None else self.start * source.hop + self.excitation.shape[-1]
        noise = draws.noise[..., first : first + pitch.shape[-1] * source.hop].to(f0.device)
        excitation, self.cycles = source(pitch, self.cycles, Draws(draws.phase.to(f0.device), noise))
        self.excitation = excitation if self.excitation is None else torch.cat([self.excitation, excitation], dim=-1)

    def _window(self, end: int, needed: int) -> Tensor:
        """Samples of the frames from `done` to `end`, computed with their context up to `needed`."""
        assert self.mel is not None
        hop, begin = self.vocoder.config.hop, max(0, self.done - self.before)
        inside = slice(begin - self.start, needed - self.start)
        excitation = None
        if self.excitation is not None:
            excitation = self.excitation[..., inside.start * hop : inside.stop * hop]
        samples = self.vocoder(self.mel[:, inside].transpose(1, 2), excitation)
        piece: Tensor = samples[0, 0, (self.done - begin) * hop : (end - begin) * hop]
        self.done, self.window = end, min(2 * self.window, self.windows.largest)
        self._forget(max(0, end - self.before))
        return piece

    def _forget(self, start: int) -> None:
        """Drop what lies before frame `start` from the buffers."""
        assert self.mel is not None
        self.mel = self.mel[:, start - self.start :]
        if self.excitation is not None:
            self.excitation = self.excitation[..., (start - self.start) * self.vocoder.config.hop :]
        self.start = start
