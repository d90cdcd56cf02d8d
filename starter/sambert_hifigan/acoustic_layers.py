# SPDX-License-Identifier: Apache-2.0
"""Layers that several parts of SAMBERT share; attribute names are the names in the checkpoints.

Source: KAN-TTS 66202d0 (MIT), kantts/models/sambert/{__init__,fsmn}.py. Letters as in `sambert`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6


class FeedForward(nn.Module):
    """Convolution over `kernel` symbols, ReLU, position-wise layer; normalised first."""

    def __init__(self, width: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.w_1 = nn.Conv1d(width, inner, kernel, padding=kernel // 2)
        self.w_2 = nn.Conv1d(inner, width, 1)
        self.dropout = dropout

    def forward(self, rows: Tensor, there: Tensor | None = None) -> Tensor:
        y = self.layer_norm(rows)
        if there is not None:
            y = y * there[..., None]
        if self.w_1.kernel_size == (1,):
            y = functional.linear(y, self.w_1.weight[..., 0], self.w_1.bias)
        else:
            y = self.w_1(y.transpose(1, 2)).transpose(1, 2)
        y = functional.dropout(y.relu(), self.dropout, self.training)
        return rows + functional.linear(y, self.w_2.weight[..., 0], self.w_2.bias)


class MemoryBlock(nn.Module):
    """Depthwise convolution along time plus its input; `shift` moves the window into the past."""

    def __init__(self, width: int, kernel: int, shift: int) -> None:
        super().__init__()
        # A window that ends before the present has a negative right side. round() takes 15.5 to 16.
        self.left, self.right = round((kernel - 1) / 2) + shift, (kernel - 1) // 2 - shift
        self.conv_dw = nn.Conv1d(width, width, kernel, groups=width, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        columns = functional.pad(rows.transpose(1, 2), (self.left, self.right))
        y: Tensor = self.conv_dw(columns)
        return y.transpose(1, 2) + rows


class ContextLayer(nn.Module):
    """Two position-wise layers with a ReLU between."""

    def __init__(self, width_in: int, inner: int, width: int) -> None:
        super().__init__()
        self.w_1 = nn.Conv1d(width_in, inner, 1)
        self.w_2 = nn.Conv1d(inner, width, 1, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        y = functional.linear(rows, self.w_1.weight[..., 0], self.w_1.bias).relu()
        return functional.linear(y, self.w_2.weight[..., 0])


class Fsmn(nn.Module):
    """Feed-forward sequential memory network: context layers, each followed by a memory block."""

    def __init__(self, width_in: int, inner: int, width: int, kernel: int, shifts: Sequence[int]) -> None:
        super().__init__()
        widths = [width_in] + [width] * (len(shifts) - 1)
        self.ffn_lst = nn.ModuleList(ContextLayer(size, inner, width) for size in widths)
        self.memory_block_lst = nn.ModuleList(MemoryBlock(width, kernel, shift) for shift in shifts)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        for ffn, block in zip(self.ffn_lst, self.memory_block_lst, strict=True):
            y = block(ffn(rows) * there[..., None]) * there[..., None]
            rows = y + rows if y.shape == rows.shape else y
        return rows


class Prenet(nn.Module):
    """Linear layers with ReLU and dropout; `width` adds a bare one. The places in `fcs` are the official ones."""

    def __init__(self, units: Sequence[int], width: int | None, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(units):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        if width is not None:
            layers.append(nn.Linear(units[-1], width))
        self.fcs = nn.Sequential(*layers)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.fcs(rows)
        return out
