"""Convolutions along time that take a signal piece by piece and remember what they still need of it.

A filter that looks ahead gives its samples later instead: for n samples in come n samples out, which are those of
`Filter.lag` samples before. So no sample is computed twice, however small the pieces are, and all pieces of one length
have the same shapes in every filter. What lies before a line and after its end counts as zero in every filter.

A signal [1, W, 1, n] is what torch's convolutions for images take, W channels and n samples; it lies in memory channel
by channel for each sample ("channels last"), where oneDNN's convolutions are faster.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from tingshuo_sambert_hifigan.hifigan import Conv, TransposedConv

#: Numbers that tails are given room for at a time.
SLAB = 2**18


class Clock(NamedTuple):
    """Where in time the samples of a signal are: `rate` for each frame, and `late` samples behind what was pushed."""

    rate: int
    late: int


class Memory:
    """What the filters need of the past of one line. frames: of the line; at: those that were pushed before."""

    def __init__(self, frames: int) -> None:
        self.frames, self.at = frames, 0
        self.kept: dict[object, Tensor] = {}
        self._free: dict[torch.dtype, Tensor] = {}

    def behind(self, owner: object, history: int, new: Tensor) -> Tensor:
        """Room for as many samples as `new` has behind the last `history` of `owner`, to be filled and then kept."""
        width, count = new.shape[1], new.shape[-1]
        room = new.new_empty(1, 1, history + count, width).permute(0, 3, 1, 2)
        if owner in self.kept:
            room[..., :history] = self.kept[owner]
        else:
            room[..., :history] = 0
        return room

    def keep(self, owner: object, history: int, signal: Tensor) -> None:
        """Remember a copy of the last `history` samples of a signal: a view would hold all of it."""
        if not history:
            return
        if owner not in self.kept:
            self.kept[owner] = self._place(signal[..., -history:])
        self.kept[owner].copy_(signal[..., -history:])

    def _place(self, like: Tensor) -> Tensor:
        """A tensor like that, close to those before: each on its own, between the large ones of a step, they would
        leave gaps in the heap, of tens of MB for a voice of the official size.
        """
        width, count = like.shape[1], like.shape[-1]
        free = self._free.get(like.dtype)
        if free is None or free.numel() < like.numel():
            free = like.new_empty(max(SLAB, like.numel()))
        self._free[like.dtype] = free[like.numel() :]
        return free[: like.numel()].view(1, 1, count, width).permute(0, 3, 1, 2)

    def delayed(self, owner: object, lag: int, new: Tensor) -> Tensor:
        """As many samples as `new` has, those of `lag` samples before."""
        if not lag:
            return new
        room = self.behind(owner, lag, new)
        room[..., lag:] = new
        self.keep(owner, lag, room)
        return room[..., : new.shape[-1]]


class Filter:
    """A convolution along time, at the rate of what it is given or, with `phases`, at a multiple of that.

    of: where in time what it is given lies, and what it gives; lag: samples of the former that it looks ahead.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, of: Clock, *, lag: int = 0, dilation: int = 1, phases: int = 1
    ) -> None:
        self.history = (weight.shape[-1] - 1) * dilation
        self.weight = weight[:, :, None].contiguous(memory_format=torch.channels_last)
        self.bias, self.dilation, self.phases, self.takes = bias, dilation, phases, of
        self.gives = Clock(of.rate * phases, (of.late + lag) * phases)

    @classmethod
    def like(cls, conv: Conv, precision: torch.dtype, of: Clock) -> Filter:
        """The same as `conv`."""
        plain = conv.conv1d
        assert plain.bias is not None
        lag = cast("tuple[int]", plain.padding)[0]
        return cls(plain.weight.to(precision), plain.bias.to(precision), of, lag=lag, dilation=plain.dilation[0])

    @classmethod
    def upsampling(cls, repeated: Conv, transposed: TransposedConv, precision: torch.dtype, of: Clock) -> Filter:
        """The sum of nearest-neighbour repetition with `repeated` behind it, and of `transposed`.

        Both are linear in the same input and so are one convolution that gives all samples of a step as channels.
        """
        wide, narrow = transposed.deconv, repeated.conv1d
        assert wide.bias is not None
        assert narrow.bias is not None
        places = _places(repeated, transposed)
        reach = max(abs(step) for _, step, _ in places)
        lag = 0 if repeated.past else reach
        shape = (transposed.scale, narrow.out_channels, narrow.in_channels, reach + 1 + lag)
        weight = narrow.weight.new_zeros(shape, dtype=torch.float64)
        for phase, step, part in places:
            weight[phase, :, :, step + reach] += part
        bias = (wide.bias.double() + narrow.bias).repeat(transposed.scale)
        return cls(weight.flatten(0, 1).to(precision), bias.to(precision), of, lag=lag, phases=transposed.scale)

    def __call__(self, x: Tensor, memory: Memory, slope: float = 1.0) -> Tensor:
        """[1, d_in, 1, n] -> [1, d_out, 1, n * phases]; behind a leaky ReLU of that slope."""
        x = x.to(self.weight.dtype)
        room = memory.behind(self, self.history, x)
        new = room[..., self.history :]
        torch.ops.aten.leaky_relu.out(x, slope, out=new)
        start = memory.at * self.takes.rate - self.takes.late
        if start < 0:
            new[..., :-start] = 0
        end = memory.frames * self.takes.rate - start
        if end < x.shape[-1]:
            new[..., max(0, end) :] = 0
        memory.keep(self, self.history, room)
        y = F.conv2d(room, self.weight, self.bias, dilation=(1, self.dilation))
        if self.phases == 1:
            return y
        return y.permute(0, 2, 3, 1).reshape(1, 1, x.shape[-1] * self.phases, -1).permute(0, 3, 1, 2)


def _places(repeated: Conv, transposed: TransposedConv) -> list[tuple[int, int, Tensor]]:
    """For every phase of the output each of the two kernels' weights [d_out, d_in], in the middle the step of the
    input that it falls on, seen from the output's own.
    """
    scale, wide, narrow = transposed.scale, transposed.deconv, repeated.conv1d
    size, offset = wide.kernel_size[0], cast("tuple[int]", wide.padding)[0]
    before = repeated.past or (narrow.kernel_size[0] - 1) // 2
    found = []
    for phase in range(scale):
        steps = ((index, (phase + index - before) // scale) for index in range(narrow.kernel_size[0]))
        found += [(phase, step, narrow.weight[..., index]) for index, step in steps]
        steps = ((index, (phase + offset - index) // scale) for index in range((phase + offset) % scale, size, scale))
        found += [(phase, step, wide.weight[..., index].T) for index, step in steps]
    return found
