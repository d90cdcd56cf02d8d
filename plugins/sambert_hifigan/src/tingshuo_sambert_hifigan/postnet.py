"""The postnet of SAMBERT: a correction to the decoder's frames, computed while they come.

Source: KAN-TTS 66202d0 (MIT), kantts/models/sambert/kantts_sambert.py. Attribute names are the names in the
checkpoints. Letters as in `sambert`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from tingshuo_sambert_hifigan.layers import Fsmn


@dataclass(frozen=True, slots=True)
class PostnetSizes:
    """M, the widths of the context layers, of the memory blocks and of the LSTM; kernel and shifts of the blocks."""

    mels: int
    inner: int
    width: int
    kernel: int
    shifts: tuple[int, ...]
    lstm: int


class PostnetState:
    """One postnet pass under way: per layer the frames its window still needs, [B, n, width] each, and the LSTM's."""

    def __init__(self) -> None:
        self.contexts: list[Tensor | None] = []
        self.inputs: list[Tensor | None] = []
        self.frames: Tensor | None = None
        self.lstm: tuple[Tensor, Tensor] | None = None


class Postnet(nn.Module):
    """A correction to the decoder's frames that looks `ahead` frames into the future and no further."""

    def __init__(self, sizes: PostnetSizes) -> None:
        super().__init__()
        self.fsmn = Fsmn(sizes.mels, sizes.inner, sizes.width, sizes.kernel, sizes.shifts)
        self.ahead = sum(block.ahead for _, block in self.fsmn.layers())
        self.lstm = nn.LSTM(sizes.width, sizes.lstm, batch_first=True)
        self.fc = nn.Linear(sizes.lstm, sizes.mels)

    def push(self, frames: Tensor, state: PostnetState, *, last: bool) -> Tensor:
        """Decoder frames [1, n, M] in, the finished frames that they allow out, [1, m, M]; all of them with `last`."""
        layers = list(self.fsmn.layers())
        if not state.contexts:
            state.contexts, state.inputs = [None] * len(layers), [None] * len(layers)
        x = frames
        for index, (ffn, block) in enumerate(layers):
            context, waiting = ffn(x), _joined(state.inputs[index], x)
            tail = state.contexts[index]
            tail = context.new_zeros(1, block.left, context.shape[-1]) if tail is None else tail
            context = torch.cat([tail, context], dim=1)
            if last:
                context = F.pad(context, (0, 0, 0, block.ahead))
            ready = max(context.shape[1] - block.left - block.ahead, 0)
            y = block(context) if ready else context[:, :0]
            state.contexts[index], state.inputs[index] = context[:, ready:], waiting[:, ready:]
            x = y + waiting[:, :ready] if y.shape[-1] == waiting.shape[-1] else y
        waiting = _joined(state.frames, frames)
        state.frames = waiting[:, x.shape[1] :]
        if not x.shape[1]:
            return waiting[:, :0]
        y, state.lstm = self.lstm(x, state.lstm)
        correction: Tensor = self.fc(y)
        return waiting[:, : x.shape[1]] + correction


def _joined(waiting: Tensor | None, new: Tensor) -> Tensor:
    return new if waiting is None else torch.cat([waiting, new], dim=1)
