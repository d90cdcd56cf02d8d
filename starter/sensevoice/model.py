# SPDX-License-Identifier: Apache-2.0
"""SenseVoiceSmall for training: own forward pass, the official parameter names, an auxiliary CTC on syllables.

Architecture: FunASR `funasr/models/sense_voice/model.py` (SenseVoiceSmall, SenseVoiceEncoderSmall); SAN-M attention
from https://arxiv.org/abs/2006.01713. Shapes: B utterances, T rows with the four queries first, D width, V pieces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

QUERIES = 4  # language, emotion, event, text normalisation
QUERY_ROWS = 16  # rows of the official embedding table
KERNEL = 11


@dataclass(frozen=True)
class Shape:
    """The sizes that `config.yaml` states too."""

    pieces: int
    syllables: int
    input: int = 560
    width: int = 192
    heads: int = 4
    inner: int = 576
    blocks: int = 5
    text_blocks: int = 4
    dropout: float = 0.0  # stored speech is changed anew at every pass; dropout costs a quarter of the time here


class Attention(nn.Module):
    """Multi-head attention plus a depthwise convolution over the values (the FSMN memory)."""

    def __init__(self, shape: Shape, width_in: int) -> None:
        super().__init__()
        self.heads, self.dropout = shape.heads, shape.dropout
        self.linear_out = nn.Linear(shape.width, shape.width)
        self.linear_q_k_v = nn.Linear(width_in, 3 * shape.width)
        self.fsmn_block = nn.Conv1d(shape.width, shape.width, KERNEL, groups=shape.width, bias=False)

    def forward(self, rows: Tensor, valid: Tensor, bias: Tensor) -> Tensor:
        size, length, _ = rows.shape
        q, k, v = self.linear_q_k_v(rows).chunk(3, -1)
        v = v * valid.to(v.dtype)
        memory = depthwise(v, self.fsmn_block.weight) + v
        split = (size, length, self.heads, -1)
        q, k, w = (part.view(split).transpose(1, 2) for part in (q, k, v))
        drop = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(q, k, w, attn_mask=bias.to(q.dtype), dropout_p=drop)
        out: Tensor = self.linear_out(seen.transpose(1, 2).reshape(size, length, -1))
        return out + functional.dropout(memory, self.dropout, self.training) * valid.to(v.dtype)


def depthwise(values: Tensor, weight: Tensor) -> Tensor:
    """A same-length depthwise convolution over time: values [B, T, D], weight [D, 1, KERNEL]."""
    half = KERNEL // 2
    out: Tensor = functional.conv1d(values.transpose(1, 2), weight, padding=half, groups=len(weight))
    return out.transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.w_1 = nn.Linear(shape.width, shape.inner)
        self.w_2 = nn.Linear(shape.inner, shape.width)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.w_2(self.dropout(functional.relu(self.w_1(rows))))
        return out


class Block(nn.Module):
    """Pre-norm attention and feed-forward; the first block has no residual, since it changes the width."""

    def __init__(self, shape: Shape, width_in: int) -> None:
        super().__init__()
        self.self_attn = Attention(shape, width_in)
        self.feed_forward = FeedForward(shape)
        self.norm1 = nn.LayerNorm(width_in)
        self.norm2 = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, rows: Tensor, valid: Tensor, bias: Tensor) -> Tensor:
        seen = self.dropout(self.self_attn(self.norm1(rows), valid, bias))
        rows = rows + seen if rows.shape == seen.shape else seen
        out: Tensor = rows + self.dropout(self.feed_forward(self.norm2(rows)))
        return out


class Encoder(nn.Module):
    """Main blocks, a norm, text-prediction blocks, a norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.scale = math.sqrt(shape.width)
        self.encoders0 = nn.ModuleList([Block(shape, shape.input)])
        self.encoders = nn.ModuleList(Block(shape, shape.width) for _ in range(shape.blocks - 1))
        self.tp_encoders = nn.ModuleList(Block(shape, shape.width) for _ in range(shape.text_blocks))
        self.after_norm = nn.LayerNorm(shape.width)
        self.tp_norm = nn.LayerNorm(shape.width)

    def forward(self, rows: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The output of the main blocks and of the text-prediction blocks, both [B, T, D]."""
        here = torch.arange(rows.shape[1])[None] < lengths[:, None]
        valid, bias = here[..., None], torch.zeros(here.shape).masked_fill(~here, -1e9)[:, None, None]
        rows = rows * self.scale + positions(rows.shape[1], rows.shape[2])
        for block in (*self.encoders0, *self.encoders):
            rows = block(rows, valid, bias)
        middle = rows = self.after_norm(rows)
        for block in self.tp_encoders:
            rows = block(rows, valid, bias)
        return middle, self.tp_norm(rows)


def positions(length: int, width: int) -> Tensor:
    """Sinusoids [1, length, width]; the first row is position 1."""
    step = math.log(10_000) / (width / 2 - 1)
    angle = torch.arange(1, length + 1)[:, None] * torch.exp(torch.arange(width / 2) * -step)
    return torch.cat([angle.sin(), angle.cos()], 1)[None]


class Ctc(nn.Module):
    """The output layer under its official name."""

    def __init__(self, width: int, pieces: int) -> None:
        super().__init__()
        self.ctc_lo = nn.Linear(width, pieces)


class SenseVoice(nn.Module):
    """Features and queries in, piece logits and syllable logits out; `auxiliary` is left out at export."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.ctc = Ctc(shape.width, shape.pieces)
        self.embed = nn.Embedding(QUERY_ROWS, shape.input)
        self.auxiliary = nn.Linear(shape.width, shape.syllables)

    def forward(self, features: Tensor, lengths: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, T, 560] with `lengths`, `queries` [B, 4] -> logits [B, T + 4, V], [B, T + 4, syllables]."""
        rows = torch.cat([self.embed(queries), features], 1)
        middle, last = self.encoder(rows, lengths + QUERIES)
        return self.ctc.ctc_lo(last), self.auxiliary(middle)
