"""Layers that several parts of SAMBERT share. Attribute names are the names in the checkpoints.

Source: KAN-TTS 66202d0 (MIT), kantts/models/sambert/{__init__,fsmn}.py. Letters as in `sambert`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

#: Of every layer norm in the model.
EPS = 1e-6


def padded(rows: Sequence[Tensor]) -> Tensor:
    """Tensors [n, …] of several lengths as one [B, N, …], zeros behind the shorter ones."""
    return rows[0][None] if len(rows) == 1 else nn.utils.rnn.pad_sequence(list(rows), batch_first=True)


def valid_positions(lengths: Sequence[int], device: torch.device) -> Tensor | None:
    """[B, N] True where there is a symbol; None where no line is shorter than another."""
    if min(lengths) == max(lengths):
        return None
    return torch.arange(max(lengths), device=device)[None] < torch.tensor(lengths, device=device)[:, None]


def masked(x: Tensor, valid: Tensor | None) -> Tensor:
    """The x [B, N, …] with zeros at padded positions."""
    return x if valid is None else x * valid[..., None]


def by_head(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """The x [B, N, parts * D] as `parts` tensors [H * B, N, D / H], heads outermost."""
    lines, length, _ = x.shape
    split = x.view(lines, length, parts, heads, -1).permute(2, 3, 0, 1, 4)
    return split.reshape(parts, heads * lines, length, -1).unbind()


def together(x: Tensor, lines: int) -> Tensor:
    """The other way: x [H * B, N, D / H] -> [B, N, D]."""
    return x.view(-1, lines, *x.shape[1:]).permute(1, 2, 0, 3).flatten(2)


def attention(query: Tensor, key: Tensor, value: Tensor, forbidden: Tensor | None) -> Tensor:
    """Scaled dot-product attention [H * B, N, D / H], operation by operation as upstream: torch's fused one rounds
    otherwise, and where f0 is summed up to a phase the last bit is heard by a comparison.
    """
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[-1])
    if forbidden is not None:
        scores = scores.masked_fill(forbidden, -math.inf)
    return torch.bmm(scores.softmax(dim=2), value)


class FeedForward(nn.Module):
    """Convolution, ReLU, position-wise layer, normalised first; `kernel` 3 in the encoder, 1 in the decoder."""

    def __init__(self, width: int, inner: int, kernel: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.w_1 = nn.Conv1d(width, inner, kernel, padding=kernel // 2)
        self.w_2 = nn.Conv1d(inner, width, 1)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """[B, N, D] -> [B, N, D]."""
        # Normalising turns the zeros of padding into the bias, which the convolution would draw into the line.
        y = masked(self.layer_norm(x), valid)
        z: Tensor = self.w_2(F.relu(self.w_1(y.transpose(1, 2)))).transpose(1, 2)
        return x + z


class MemoryBlock(nn.Module):
    """Depth-wise convolution along time; `shift` moves its window into the past.

    A kernel shorter than twice the shift does not reach the present: then `missed` frames lie between them.
    """

    def __init__(self, width: int, kernel: int, shift: int) -> None:
        super().__init__()
        # round() takes 15.5 to 16: a kernel of even size reaches one frame further back than ahead.
        self.left = round((kernel - 1) / 2) + shift
        right = (kernel - 1) // 2 - shift
        self.ahead, self.missed = max(right, 0), max(-right, 0)
        self.conv_dw = nn.Conv1d(width, width, kernel, groups=width, bias=False)

    def forward(self, context: Tensor) -> Tensor:
        """From context [B, left + n + ahead, width] to [B, n, width]: the n frames and what is around them."""
        reached = context.shape[1] - self.missed
        y: Tensor = self.conv_dw(context[:, :reached].transpose(1, 2)).transpose(1, 2)
        return y + context[:, self.left : self.left + y.shape[1]]


class ContextLayer(nn.Module):
    """What a memory block remembers: two position-wise layers."""

    def __init__(self, d_in: int, inner: int, width: int) -> None:
        super().__init__()
        self.w_1 = nn.Conv1d(d_in, inner, 1)
        self.w_2 = nn.Conv1d(inner, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, d_in] -> [B, N, width]."""
        return self.w_2(F.relu(self.w_1(x.transpose(1, 2)))).transpose(1, 2)  # type: ignore[no-any-return]


class Fsmn(nn.Module):
    """Feed-forward sequential memory network: context layers, each followed by a memory block."""

    def __init__(self, d_in: int, inner: int, width: int, kernel: int, shifts: Sequence[int]) -> None:
        super().__init__()
        widths = [d_in] + [width] * (len(shifts) - 1)
        self.ffn_lst = nn.ModuleList(ContextLayer(size, inner, width) for size in widths)
        self.memory_block_lst = nn.ModuleList(MemoryBlock(width, kernel, shift) for shift in shifts)

    def layers(self) -> Iterator[tuple[ContextLayer, MemoryBlock]]:
        """The layers in order."""
        for ffn, block in zip(self.ffn_lst, self.memory_block_lst, strict=True):
            assert isinstance(ffn, ContextLayer)
            assert isinstance(block, MemoryBlock)
            yield ffn, block

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """[B, N, d_in] -> [B, N, width]."""
        for ffn, block in self.layers():
            context = masked(ffn(x), valid)
            y = masked(block(F.pad(context, (0, 0, block.left, block.ahead))), valid)
            x = y + x if y.shape == x.shape else y
        return x


def prenet(units: Sequence[int], d_out: int | None = None) -> nn.Sequential:
    """Linear layers with ReLU and (silent) dropout between them; `d_out` adds a bare linear layer."""
    layers: list[nn.Module] = []
    for d_in, width in pairwise(units):
        layers += [nn.Linear(d_in, width), nn.ReLU(), nn.Dropout()]
    if d_out is not None:
        layers.append(nn.Linear(units[-1], d_out))
    return nn.Sequential(*layers)


class Prenet(nn.Module):
    """What the decoder sees of its last output."""

    def __init__(self, units: Sequence[int], d_out: int | None = None) -> None:
        super().__init__()
        self.fcs = prenet(units, d_out)

    def forward(self, x: Tensor) -> Tensor:
        """[…, units[0]] -> […, d_out]."""
        return self.fcs(x)  # type: ignore[no-any-return]
