"""The mel decoder of SAMBERT: autoregressive, PNCA attention inside a band.

Source: KAN-TTS 66202d0 (MIT), kantts/models/sambert/{kantts_sambert,__init__}.py. Upstream keeps the keys and values
on the module, grows them by concatenation and builds the band mask of the whole line anew in every step; here they
lie in a `DecoderState` of full size, and a step makes its own row of the mask. Letters as in `sambert`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from tingshuo_sambert_hifigan.layers import EPS, FeedForward, Prenet, attention, by_head, padded, together


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a line before decoding: log_durations, pitch, energy [N]; memory [S, C]; frames T; band."""

    log_durations: Tensor
    pitch: Tensor
    energy: Tensor
    memory: Tensor
    frames: int
    band: int


@dataclass(frozen=True, slots=True)
class DecoderSizes:
    """D, H, C, M and r, the number of layers, and the widths of the feed-forward layers and of the prenet."""

    width: int
    heads: int
    memory: int
    mels: int
    frames: int
    layers: int
    inner: int
    prenet: tuple[int, ...]


class PncaAttention(nn.Module):
    """Attention over the own past (x) and over the text that comes (h), with one query for both."""

    def __init__(self, width: int, memory_width: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.w_x_qkv = nn.Linear(width, 3 * width)
        self.fc_x = nn.Linear(width, width)
        self.w_h_kv = nn.Linear(memory_width, 2 * width)
        self.fc_h = nn.Linear(width, width)


class PncaBlock(nn.Module):
    """PNCA and feed-forward layer; `MelDecoder.step` computes the first."""

    def __init__(self, width: int, memory_width: int, inner: int) -> None:
        super().__init__()
        self.pnca_attn = PncaAttention(width, memory_width)
        self.pos_ffn = FeedForward(width, inner, 1)


@dataclass(slots=True)
class DecoderState:
    """One decoding under way.

    inputs: [B, S, C], the memory. own, memory: keys and values of all layers, [L, 2, H * B, S, D / H]. last:
    [B, 1, M], the last frame given out. bands, steps: [H * B, 1] of each line.
    """

    inputs: Tensor
    own: Tensor
    memory: Tensor
    last: Tensor
    bands: Tensor
    steps: Tensor
    step: int = 0

    def forbidden(self) -> tuple[Tensor, Tensor]:
        """Keys that a line must not attend to in this step: of the past [H * B, 1, step + 1], of memory [.., S]."""
        places = torch.arange(self.inputs.shape[1], device=self.inputs.device)[None]
        past = places[:, : self.step + 1] < self.step - self.bands
        # A line that has ended goes on with the key of the step itself: no key at all would give NaN.
        outside = (places < self.step) | (places > self.step + self.bands) | (places >= self.steps)
        return past[:, None], (outside & (places != self.step))[:, None]


class MelDecoder(nn.Module):
    """Gives r frames a step, each step from the last frame of the one before.

    This is the definition, operation by operation in upstream's order, so that one line alone gives upstream's
    numbers to the bit; it serves `trace` and CUDA. On a CPU `pnca_cpu` computes the same several times faster.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        width = sizes.width
        self.heads, self.scale, self.frames = sizes.heads, math.sqrt(width), sizes.frames
        self.prenet = Prenet((sizes.mels, *sizes.prenet), width)
        self.dec_in_proj = nn.Linear(width + sizes.memory, width)
        self.pnca = nn.ModuleList(PncaBlock(width, sizes.memory, sizes.inner) for _ in range(sizes.layers))
        self.ln = nn.LayerNorm(width, eps=EPS)
        self.dec_out_proj = nn.Linear(width, sizes.mels * sizes.frames)

    def blocks(self) -> list[PncaBlock]:
        """The layers in order."""
        return cast("list[PncaBlock]", list(self.pnca))

    def start(self, plans: Sequence[Plan]) -> DecoderState:
        """What is the same in all steps: keys and values of the memory."""
        memory = padded([plan.memory for plan in plans])
        keys = [torch.stack(by_head(block.pnca_attn.w_h_kv(memory), 2, self.heads)) for block in self.blocks()]
        bands = torch.tensor([[plan.band] for plan in plans], device=memory.device)
        steps = torch.tensor([[len(plan.memory)] for plan in plans], device=memory.device)
        return DecoderState(
            inputs=memory,
            own=memory.new_zeros(len(keys), *keys[0].shape),
            memory=torch.stack(keys),
            last=memory.new_zeros(len(memory), 1, self.dec_out_proj.out_features // self.frames),
            bands=bands.repeat(self.heads, 1),
            steps=steps.repeat(self.heads, 1),
        )

    def step(self, state: DecoderState) -> Tensor:
        """The next r frames [B, r, M]; moves `state` on."""
        now, lines = state.step, len(state.last)
        past_mask, memory_mask = state.forbidden()
        x = torch.cat([state.inputs[:, now : now + 1], self.prenet(state.last)], dim=-1)
        x = self.dec_in_proj(x) * self.scale
        for block, own, memory in zip(self.blocks(), state.own, state.memory, strict=True):
            layer = block.pnca_attn
            query, key, value = by_head(layer.w_x_qkv(layer.layer_norm(x)), 3, self.heads)
            own[0, :, now : now + 1], own[1, :, now : now + 1] = key, value
            past = attention(query, own[0, :, : now + 1], own[1, :, : now + 1], past_mask)
            text = attention(query, memory[0], memory[1], memory_mask)
            x = layer.fc_x(together(past, lines)) + layer.fc_h(together(text, lines)) + x
            x = block.pos_ffn(x, None)
        frames: Tensor = self.dec_out_proj(self.ln(x)).view(lines, self.frames, -1)
        state.last, state.step = frames[:, -1:], now + 1
        return frames


class MelPncaDecoder(nn.Module):
    """The decoder under its name in the checkpoint."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        self.mel_dec = MelDecoder(sizes)
