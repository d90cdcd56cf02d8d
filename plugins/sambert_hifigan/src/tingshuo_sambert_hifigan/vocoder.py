"""The vocoder as it speaks: what `hifigan.Generator` computes, piece by piece and laid out for speed.

Its filters remember what they need of the frames before (see `filters`), so a line may come in pieces of any length
and nothing is computed twice. In half precision only what is inside the residual blocks is rounded: their sums stay in
float32, which keeps 2 dB more of the signal for nothing. Results differ from the definition by the rounding of float32.

Letters as in `hifigan`; signals as in `filters`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from tingshuo_sambert_hifigan.filters import Clock, Filter, Memory
from tingshuo_sambert_hifigan.hifigan import (
    ALPHA,
    LAST_SLOPE,
    Conv,
    Generator,
    ResidualBlock,
    SourceModule,
    TransposedConv,
)

log = logging.getLogger(__name__)

#: Frames of a trial of half precision; how many times as fast it must be, and its signal over error in dB.
TRIAL, FASTER, CLEAN = 60, 1.2, 40.0


class Pair:
    """A dilated and a plain filter, added to what went in."""

    def __init__(self, dilated: Conv, plain: Conv, slope: float, precision: torch.dtype, of: Clock) -> None:
        self.dilated = Filter.like(dilated, precision, of)
        self.plain = Filter.like(plain, precision, self.dilated.gives)
        self.slope, self.gives = slope, self.plain.gives
        self.lag = self.gives.late - of.late

    def __call__(self, x: Tensor, memory: Memory) -> Tensor:
        """[1, W, 1, n] -> [1, W, 1, n]."""
        y = self.plain(self.dilated(x, memory, self.slope), memory, self.slope)
        return y.add_(memory.delayed(self, self.lag, x))


class Excitation:
    """The excitation at the rate of a stage, as late as the signal of that stage is."""

    def __init__(self, conv: Conv, of: Clock, precision: torch.dtype) -> None:
        plain = conv.conv1d
        assert plain.bias is not None
        self.weight, self.bias = plain.weight[:, :, None].to(precision), plain.bias.to(precision)
        self.stride, self.late = plain.stride[0], of.late
        #: Samples before the first ones given that it needs.
        self.history = of.late * self.stride + (conv.past or cast("tuple[int]", plain.padding)[0])

    def __call__(self, signal: Tensor, count: int) -> Tensor:
        """[1, 1, 1, n], with more history than needed in front -> [1, W, 1, count]."""
        first = signal.shape[-1] - count * self.stride - self.history
        last = first + (count - 1) * self.stride + self.weight.shape[-1]
        return F.conv2d(signal[..., first:last], self.weight, self.bias, (1, self.stride))


class Stage:
    """Upsampling, the excitation added, and the mean of residual blocks, of which all wait for the latest."""

    def __init__(self, upsample: Filter, source: Conv | None, blocks: Sequence[ResidualBlock], slope: float) -> None:
        self.upsample, self.slope, precision = upsample, slope, upsample.weight.dtype
        self.source = Excitation(source, upsample.gives, precision) if source else None
        self.blocks: list[list[Pair]] = []
        for block in blocks:
            pairs: list[Pair] = []
            for convs in zip(block.convs1, block.convs2, strict=True):
                dilated, plain = cast("tuple[Conv, Conv]", convs)
                pairs.append(Pair(dilated, plain, slope, precision, pairs[-1].gives if pairs else upsample.gives))
            self.blocks.append(pairs)
        self.gives = max((pairs[-1].gives for pairs in self.blocks), key=lambda clock: clock.late)

    def __call__(self, x: Tensor, excitation: Tensor | None, memory: Memory) -> Tensor:
        """[1, 2W, 1, n] and what `Excitation` takes -> [1, W, 1, n * phases] in float32."""
        x = self.upsample(torch.sin(x).add_(x), memory, self.slope)
        if self.source and excitation is not None:
            x = x.add_(self.source(excitation, x.shape[-1]))
        total: Tensor | None = None
        for number, pairs in enumerate(self.blocks):
            y = x
            for pair in pairs:
                y = pair(y, memory)
            y = memory.delayed((self, number), self.gives.late - pairs[-1].gives.late, y).float()
            total = y if total is None else total.add_(y)
        assert total is not None
        return total.div_(len(self.blocks))


class Vocoder:
    """A `Generator` ready to speak; holds weights only, so threads may share it.

    delay: frames that have to follow a frame before all of its samples are there.
    """

    def __init__(self, generator: Generator, precision: torch.dtype = torch.float32) -> None:
        self.config, self.precision = generator.config, precision
        slope, count = self.config.negative_slope, len(self.config.resblock_kernel_sizes)
        self.before = Filter.like(generator.conv_pre, precision, Clock(rate=1, late=0))
        clock = self.before.gives
        self.stages: list[Stage] = []
        ups = zip(generator.repeat_upsamples, generator.transpose_upsamples, strict=True)
        for index, (repeated, transposed) in enumerate(ups):
            upsample = Filter.upsampling(*_layers(repeated, transposed), precision, clock)
            source = cast("Conv", generator.source_downs[index]) if self.config.harmonics else None
            blocks = cast("Sequence[ResidualBlock]", generator.conv_blocks[index * count : (index + 1) * count])
            self.stages.append(Stage(upsample, source, blocks, slope))
            clock = self.stages[-1].gives
        self.after = Filter.like(generator.conv_post, torch.float32, clock)
        self.late = self.after.gives.late
        self.delay = math.ceil(self.late / self.config.hop)
        if self.config.harmonics:
            self.source_module: SourceModule = generator.source_module

    def __call__(self, mel: Tensor, excitation: Tensor | None = None) -> Tensor:
        """From all of mel [1, M, T], excitation [1, 1, L] of an NSF voice -> samples [1, 1, L] in (-1, 1)."""
        mel, memory = F.pad(mel, (0, self.delay)), Memory(mel.shape[-1])
        if excitation is not None:
            excitation = F.pad(excitation, (0, self.delay * self.config.hop))
        return self.push(mel, excitation, memory)

    def push(self, mel: Tensor, excitation: Tensor | None, memory: Memory) -> Tensor:
        """The next n frames of a line -> the samples [1, 1, m] that they complete.

        mel: [1, M, n], excitation: [1, 1, n * hop] of an NSF voice. What comes after the last frame of the line, at
        least `delay` frames until its last sample is there, counts as zero in mel and has to be so in the excitation.
        """
        x = self.before(self._image(mel), memory).float()
        signal = None
        if excitation is not None:
            history = max(stage.source.history for stage in self.stages if stage.source)
            image = self._image(excitation)
            signal = memory.behind(self, history, image)
            signal[..., history:] = image
            memory.keep(self, history, signal)
        for stage in self.stages:
            x = stage(x, signal, memory)
        samples = torch.tanh(self.after(x, memory, LAST_SLOPE))[:, :, 0]
        start = memory.at * self.config.hop - self.late
        memory.at += mel.shape[-1]
        return samples[..., max(0, -start) : max(0, memory.frames * self.config.hop - start)]

    def _image(self, signal: Tensor) -> Tensor:
        return signal[:, :, None].to(self.precision).contiguous(memory_format=torch.channels_last)


def ready(generator: Generator, precision: torch.dtype) -> Vocoder:
    """The vocoder, in `precision` where a trial shows that this is faster and clean enough, else in float32."""
    exact = Vocoder(generator)
    if precision == torch.float32:
        return exact
    rounded = Vocoder(generator, precision)
    with torch.inference_mode():
        wanted, slow = _tried(exact, generator)
        found, fast = _tried(rounded, generator)
    ratio = 10 * math.log10(wanted.square().mean() / (found - wanted).square().mean().clamp(min=1e-20))
    worth = fast * FASTER <= slow and ratio >= CLEAN
    log.info("vocoder in %s: %.1f times as fast, %.0f dB; used: %s", precision, slow / fast, ratio, worth)
    return rounded if worth else exact


def _tried(vocoder: Vocoder, generator: Generator) -> tuple[Tensor, float]:
    """Samples for a trial, and the seconds of the fastest of three runs, the results fetched."""
    draws, device = torch.Generator().manual_seed(0), generator.conv_pre.conv1d.weight.device
    mel = torch.randn(1, generator.config.in_channels, TRIAL, generator=draws).to(device)
    excitation = None
    if generator.config.harmonics:
        excitation = torch.randn(1, 1, TRIAL * generator.config.hop, generator=draws).to(device) * ALPHA
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        samples = vocoder(mel, excitation).cpu()
        seconds.append(time.perf_counter() - start)
    return samples, min(seconds)


def _layers(repeat: nn.Module, transpose: nn.Module) -> tuple[Conv, TransposedConv]:
    """The convolutions in the sequences of a stage's upsamplers."""
    return cast("nn.Sequential", repeat)[2], cast("nn.Sequential", transpose)[1]  # type: ignore[return-value]
