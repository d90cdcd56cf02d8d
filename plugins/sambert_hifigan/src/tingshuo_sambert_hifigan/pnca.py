"""The mel decoder of SAMBERT: autoregressive, PNCA attention inside a band.

Source: KAN-TTS 66202d0 (MIT), kantts/models/sambert/{kantts_sambert,__init__}.py. Upstream keeps the keys and values
on the module, grows them by concatenation and builds the band mask of the whole line anew in every step; here they
lie in a `DecoderState` of full size and a step reads the band's slice. Letters as in `sambert`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from tingshuo_sambert_hifigan.layers import EPS, FeedForward, Prenet, padded


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
    """PNCA and feed-forward layer; holds the weights, `MelDecoder.step` computes."""

    def __init__(self, width: int, memory_width: int, inner: int) -> None:
        super().__init__()
        self.pnca_attn = PncaAttention(width, memory_width)
        self.pos_ffn = FeedForward(width, inner, 1)


@dataclass(slots=True)
class DecoderState:
    """One decoding under way.

    inputs: [S, B, D], the memory's share of every step's input. own, memory: keys and values of all layers,
    [L, 2, B, H, S, D / H]. last: [B, M], the last frame given out. own_mask, memory_mask: which of them each line
    may attend to, [B, band + 1] and [B, S, band + 1] counted from the step; None where all lines agree.
    """

    inputs: Tensor
    own: Tensor
    memory: Tensor
    last: Tensor
    band: int
    own_mask: Tensor | None
    memory_mask: Tensor | None
    step: int = 0


class MelDecoder(nn.Module):
    """Gives r frames a step, each step from the last frame of the one before; in the precision of its weights."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        width = sizes.width
        self.heads, self.scale, self.frames = sizes.heads, math.sqrt(width), sizes.frames
        self.prenet = Prenet((sizes.mels, *sizes.prenet), width)
        self.dec_in_proj = nn.Linear(width + sizes.memory, width)
        self.pnca = nn.ModuleList(PncaBlock(width, sizes.memory, sizes.inner) for _ in range(sizes.layers))
        self.ln = nn.LayerNorm(width, eps=EPS)
        self.dec_out_proj = nn.Linear(width, sizes.mels * sizes.frames)

    def _blocks(self) -> list[PncaBlock]:
        return cast("list[PncaBlock]", list(self.pnca))

    def start(self, plans: Sequence[Plan]) -> DecoderState:
        """Everything that does not depend on the frames, computed for all steps at once."""
        memory = padded([plan.memory for plan in plans]).to(self.dec_in_proj.weight)
        lines, steps, memory_width = memory.shape
        weight = self.dec_in_proj.weight
        inputs = F.linear(memory, weight[:, :memory_width], self.dec_in_proj.bias)
        kv = [block.pnca_attn.w_h_kv(memory).view(lines, steps, 2, self.heads, -1) for block in self._blocks()]
        keys = torch.stack(kv).permute(0, 3, 1, 4, 2, 5).contiguous()
        last = memory.new_zeros(lines, self.dec_out_proj.out_features // self.frames)
        band = max(plan.band for plan in plans)
        own_mask, memory_mask = self._masks(plans, band, memory.device) if lines > 1 else (None, None)
        inputs = inputs.transpose(0, 1)
        return DecoderState(inputs, torch.empty_like(keys), keys, last, band, own_mask, memory_mask)

    def _masks(self, plans: Sequence[Plan], band: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Masks of the past [B, band + 1], oldest key first, and of the memory [B, S, band + 1] for each line."""
        offsets = torch.arange(band + 1, device=device)
        within = offsets[None] <= torch.tensor([plan.band for plan in plans], device=device)[:, None]
        lengths = torch.tensor([len(plan.memory) for plan in plans], device=device)
        steps = torch.arange(int(lengths.max()), device=device)
        there = steps[:, None] + offsets[None] < lengths[:, None, None]
        # A line that has ended goes on with the key of the step itself: no key at all would give NaN.
        return within.flip(1), (within[:, None] & there) | (offsets == 0)

    def step(self, state: DecoderState) -> Tensor:
        """The next r frames [B, r, M]; moves `state` on."""
        now, lines = state.step, len(state.last)
        first, end = max(0, now - state.band), min(now + state.band + 1, len(state.inputs))
        own_mask = memory_mask = None
        if state.own_mask is not None and state.memory_mask is not None:
            own_mask = state.own_mask[:, None, None, state.band - (now - first) :]
            memory_mask = state.memory_mask[:, now, None, None, : end - now]
        weight = self.dec_in_proj.weight[:, -self.dec_in_proj.out_features :]
        x = (state.inputs[now] + F.linear(self.prenet(state.last), weight)) * self.scale
        for block, own, memory in zip(self._blocks(), state.own, state.memory, strict=True):
            attention, ffn = block.pnca_attn, block.pos_ffn
            qkv = attention.w_x_qkv(attention.layer_norm(x)).view(lines, 3, self.heads, -1)
            query = qkv[:, 0, :, None]
            own[:, :, :, now] = qkv[:, 1:].transpose(0, 1)
            keys, values = own[:, :, :, first : now + 1]
            past = F.scaled_dot_product_attention(query, keys, values, attn_mask=own_mask)
            keys, values = memory[:, :, :, now:end]
            text = F.scaled_dot_product_attention(query, keys, values, attn_mask=memory_mask)
            x = x + attention.fc_x(past.reshape(lines, -1)) + attention.fc_h(text.reshape(lines, -1))
            y = F.relu(F.linear(ffn.layer_norm(x), ffn.w_1.weight[..., 0], ffn.w_1.bias))
            x = x + F.linear(y, ffn.w_2.weight[..., 0], ffn.w_2.bias)
        frames: Tensor = self.dec_out_proj(self.ln(x)).view(lines, self.frames, -1)
        state.last, state.step = frames[:, -1], now + 1
        return frames.float()


class MelPncaDecoder(nn.Module):
    """The decoder under its name in the checkpoint."""

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        self.mel_dec = MelDecoder(sizes)
