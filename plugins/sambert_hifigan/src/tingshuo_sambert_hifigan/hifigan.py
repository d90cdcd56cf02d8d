"""HiFi-GAN, the vocoder: mel frames in, samples out, with or without a neural source filter (NSF).

Source: KAN-TTS 66202d0 (MIT), kantts/models/hifigan/{hifigan,layers}.py; Kong et al. 2020, "HiFi-GAN"; the harmonic
source after Wang et al. 2019, "Neural source-filter waveform models". It departs from the paper: a snake-like
x + sin(x) before each stage, and two upsamplers in parallel, one transposed, one repeating. Attribute names are the
names in the checkpoints once weight norm is folded. Holds weights only.

Letters: B = 1, M mel channels without f0 and voicing, T frames, W channels, L samples = T * hop, K harmonics with
the fundamental.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

#: Amplitude of a voiced harmonic, and standard deviation of the noise beside it (unvoiced: a third of alpha).
ALPHA, SIGMA = 0.1, 0.003
#: Slope of the last activation: upstream leaves it to torch's default, unlike all others.
LAST_SLOPE = 0.01
#: From this share of voicing on a frame counts as voiced.
VOICED = 0.6


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """Sizes, named as in `voc/config.yaml`; `harmonics` above the fundamental, 0 without NSF; sampling_rate in Hz."""

    in_channels: int
    channels: int
    kernel_size: int
    upsample_scales: tuple[int, ...]
    upsample_kernal_sizes: tuple[int, ...]
    resblock_kernel_sizes: tuple[int, ...]
    resblock_dilations: tuple[tuple[int, ...], ...]
    causal: bool
    negative_slope: float
    harmonics: int = 0
    sampling_rate: int = 0

    @property
    def hop(self) -> int:
        """Samples of one frame."""
        return math.prod(self.upsample_scales)


class Conv(nn.Module):
    """Convolution that keeps the length (divided by `stride`); a causal one looks back only."""

    def __init__(self, d_in: int, d_out: int, kernel: int, *, causal: bool, dilation: int = 1, stride: int = 1) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        centred = reach // 2 if stride == 1 else stride // 2
        self.past = reach if causal else 0
        self.conv1d = nn.Conv1d(d_in, d_out, kernel, stride, padding=0 if causal else centred, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, d_in, n] -> [B, d_out, n / stride]."""
        return self.conv1d(F.pad(x, (self.past, 0)) if self.past else x)  # type: ignore[no-any-return]


class TransposedConv(nn.Module):
    """Learned upsampling."""

    def __init__(self, d_in: int, d_out: int, kernel: int, scale: int, *, causal: bool) -> None:
        super().__init__()
        self.scale = scale
        self.deconv = nn.ConvTranspose1d(d_in, d_out, kernel, scale, padding=0 if causal else (kernel - scale) // 2)

    def forward(self, x: Tensor) -> Tensor:
        """[B, d_in, n] -> [B, d_out, n * scale]."""
        return self.deconv(x)[..., : x.shape[-1] * self.scale]  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each added to what went in."""

    def __init__(self, width: int, kernel: int, dilations: Sequence[int], *, causal: bool, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.convs1 = nn.ModuleList(Conv(width, width, kernel, causal=causal, dilation=d) for d in dilations)
        self.convs2 = nn.ModuleList(Conv(width, width, kernel, causal=causal) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """[B, W, n] -> [B, W, n]."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            y = dilated(F.leaky_relu(x, self.slope))
            x = x + plain(F.leaky_relu(y, self.slope))
        return x


@dataclass(frozen=True, slots=True)
class Draws:
    """The random part of the source: start phases [1, K, 1] in radians, noise [1, K, L] of deviation SIGMA."""

    phase: Tensor
    noise: Tensor


class SourceModule(nn.Module):
    """Harmonics of f0 where there is voice, noise elsewhere, mixed into one excitation signal."""

    def __init__(self, harmonics: int, hop: int, sampling_rate: int) -> None:
        super().__init__()
        self.hop, self.sampling_rate, self.count = hop, sampling_rate, harmonics + 1
        self.ffn = nn.Sequential(nn.Conv1d(self.count, 1, 1), nn.Tanh())

    def draw(self, frames: int, seed: int) -> Draws:
        """The draws for so many frames; on the CPU, so that every device speaks the same."""
        generator = torch.Generator().manual_seed(seed)
        # In upstream's order, so that under one seed both draw the same.
        phase = torch.rand(1, self.count, 1, generator=generator) * 2 * math.pi - math.pi
        phase[:, 0] = 0
        return Draws(phase, torch.randn(1, self.count, frames * self.hop, generator=generator) * SIGMA)

    def forward(self, pitch: Tensor, cycles: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Excitation [1, 1, L] and the cycles gone by at its end.

        pitch: [1, 2, T], f0 in Hz and voicing 0 or 1. cycles: [1, K, 1] float64, those before the first sample.
        """
        signals = pitch.repeat_interleave(self.hop, dim=-1)
        f0, voiced = signals[:, :1], signals[:, 1:]
        harmonics = torch.arange(1, self.count + 1, device=pitch.device)[:, None]
        per_sample = f0 * harmonics / self.sampling_rate
        # Summed in float64 and then rounded, as torch's CPU kernel does for upstream. The rounding jolts the eighth
        # harmonic of a ten seconds' line by a thousandth of a cycle, far below the noise added next; without it no
        # sample would be upstream's.
        gone = per_sample.double().cumsum(-1) + cycles
        theta = 2 * math.pi * (gone.float() % 1)
        sounding = ALPHA * torch.sin(theta + draws.phase) + draws.noise
        hissing = ALPHA / 3 / SIGMA * draws.noise
        return self.ffn(sounding * voiced + hissing * (1 - voiced)), gone[..., -1:]


class Generator(nn.Module):
    """The vocoder."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        kernel, causal, slope = config.kernel_size, config.causal, config.negative_slope
        widths = [config.channels // 2**stage for stage in range(len(config.upsample_scales) + 1)]
        self.conv_pre = Conv(config.in_channels, widths[0], kernel, causal=causal)
        self.transpose_upsamples = nn.ModuleList()
        self.repeat_upsamples = nn.ModuleList()
        self.conv_blocks = nn.ModuleList()
        sizes = zip(widths[:-1], widths[1:], config.upsample_scales, config.upsample_kernal_sizes, strict=True)
        for d_in, d_out, scale, size in sizes:
            self.transpose_upsamples.append(
                nn.Sequential(nn.LeakyReLU(slope), TransposedConv(d_in, d_out, size, scale, causal=causal))
            )
            self.repeat_upsamples.append(
                nn.Sequential(
                    nn.Upsample(scale_factor=scale), nn.LeakyReLU(slope), Conv(d_in, d_out, kernel, causal=causal)
                )
            )
            for block, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilations, strict=True):
                self.conv_blocks.append(ResidualBlock(d_out, block, dilations, causal=causal, slope=slope))
        self.conv_post = Conv(widths[-1], 1, kernel, causal=causal)
        if config.harmonics:
            self.source_module = SourceModule(config.harmonics, config.hop, config.sampling_rate)
            self.source_downs = nn.ModuleList(self._source_downs(widths[1:]))

    def _source_downs(self, widths: Sequence[int]) -> list[Conv]:
        """What brings the excitation down to the sample rate of each stage."""
        strides = [math.prod(self.config.upsample_scales[stage + 1 :]) for stage in range(len(widths))]
        return [
            Conv(1, width, 2 * stride, causal=self.config.causal, stride=stride)
            if stride > 1
            else Conv(1, width, 1, causal=False)
            for width, stride in zip(widths, strides, strict=True)
        ]

    def forward(self, mel: Tensor, excitation: Tensor | None = None) -> Tensor:
        """From mel [1, M, T], excitation [1, 1, L] of an NSF voice -> samples [1, 1, L] in (-1, 1)."""
        x = self.conv_pre(mel)
        kernels = len(self.config.resblock_kernel_sizes)
        for stage, (repeat, transpose) in enumerate(zip(self.repeat_upsamples, self.transpose_upsamples, strict=True)):
            x = torch.sin(x) + x
            y = repeat(x)
            if excitation is not None:
                y = y + self.source_downs[stage](excitation)
            x = y + transpose(x)
            blocks = self.conv_blocks[stage * kernels : (stage + 1) * kernels]
            x = torch.stack([block(x) for block in blocks]).sum(0) / kernels
        return torch.tanh(self.conv_post(F.leaky_relu(x, LAST_SLOPE)))
