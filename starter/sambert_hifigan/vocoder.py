# SPDX-License-Identifier: Apache-2.0
"""The starter vocoder: its sizes, what it is trained to, its tensors under the official names.

The network is the plugin's own `Generator`. Weight norm is only for the checkpoint: a plain weight w is written as
magnitude |w| and direction w, which is what KAN-TTS reads.
"""

from __future__ import annotations

from typing import Any

import torch
from sound import MELS, RATE, log_mel, spectrum
from torch import Tensor

from tingshuo_sambert_hifigan.hifigan import SIGMA, Draws, Generator, GeneratorConfig

HARMONICS = 15  # above the fundamental: f0 is about 95 Hz, and the first 16 reach 1.5 kHz
CONFIG = GeneratorConfig(
    in_channels=MELS,
    channels=128,
    kernel_size=7,
    upsample_scales=(10, 5, 2, 2),
    upsample_kernal_sizes=(20, 11, 4, 4),
    resblock_kernel_sizes=(3, 7),
    resblock_dilations=((1, 3), (1, 3)),
    causal=False,
    negative_slope=0.1,
    harmonics=HARMONICS,
    sampling_rate=RATE,
)
#: Transform, hop, window. No hop is the frames' own: a buzz at the frame rate would not be heard at it.
RESOLUTIONS = ((2048, 270, 1600), (1024, 130, 800), (512, 75, 400), (256, 40, 160))
SOURCE_GAIN, DOWN_GAIN = 1.5, 3.0
FLOOR = 3e-3  # of a magnitude: below it nothing is heard
MEL_WEIGHT = 0.5


def untrained(config: GeneratorConfig = CONFIG) -> Generator:
    """A generator with a strong source that stays as it is.

    Left to training, the source's weights vanish before the network has learned what it is good for, and every pitch
    becomes a buzz at the frame rate.
    """
    network = Generator(config)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith("source_module."):
                value.fill_(SOURCE_GAIN if name.endswith("weight") else 0.0)
            elif name.startswith("source_downs.") and name.endswith("weight"):
                value.mul_(DOWN_GAIN)
    network.source_module.requires_grad_(False)
    return network


def excitation(network: Generator, f0: Tensor, voiced: Tensor, seed: int | None = None) -> Tensor:
    """The harmonic source [B, 1, T * hop] for f0 in Hz and voicing, both [B, T].

    The start phases are those of seed 0, which the engine always speaks with; the noise is drawn anew.
    """
    frames, module = f0.shape[1], network.source_module
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    # The same for all of a batch: it is the costliest part to draw.
    noise = torch.randn(1, module.count, frames * module.hop, generator=generator) * SIGMA
    draws = Draws(module.draw(1, seed=0).phase, noise)
    begun = torch.zeros(len(f0), module.count, 1, dtype=torch.float64)
    found: Tensor = module(torch.stack([f0, voiced], 1), begun, draws)[0]
    return found


def _magnitudes(samples: Tensor, size: tuple[int, int, int]) -> Tensor:
    transform, hop, window = size
    found = torch.stft(samples, transform, hop, window, torch.hann_window(window), return_complex=True)
    return torch.sqrt(found.real.square() + found.imag.square() + FLOOR**2)


def losses(made: Tensor, said: Tensor) -> dict[str, Tensor]:
    """How far samples [B, L] are from speech [B, L]: magnitudes in several resolutions, and the log-mel frames."""
    total = torch.zeros(())
    for size in RESOLUTIONS:
        ours, theirs = _magnitudes(made, size), _magnitudes(said, size)
        total = total + (ours - theirs).norm() / theirs.norm() + (ours.log() - theirs.log()).abs().mean()
    mels = (log_mel(spectrum(made)) - log_mel(spectrum(said))).abs().mean()
    return {"stft": total / len(RESOLUTIONS), "mel": MEL_WEIGHT * mels}


def official(network: Generator) -> dict[str, Tensor]:
    """Its tensors under the official names, every convolution's weight as magnitude and direction."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if name.endswith(".weight") and tensor.ndim == 3 and not name.startswith("source_module"):
            stem = name.removesuffix("weight")
            tensors[stem + "weight_g"] = tensor.flatten(1).norm(dim=1)[:, None, None].clamp_min(1e-12)
            tensors[stem + "weight_v"] = tensor.clone()
        else:
            tensors[name] = tensor.clone()
    return tensors


def parameters(config: GeneratorConfig) -> dict[str, Any]:
    """`Model.Generator.params` of `voc/config.yaml`."""
    return {
        "in_channels": config.in_channels,
        "out_channels": 1,
        "channels": config.channels,
        "kernel_size": config.kernel_size,
        "upsample_scales": list(config.upsample_scales),
        "upsample_kernal_sizes": list(config.upsample_kernal_sizes),
        "resblock_kernel_sizes": list(config.resblock_kernel_sizes),
        "resblock_dilations": [list(row) for row in config.resblock_dilations],
        "repeat_upsample": True,
        "bias": True,
        "causal": config.causal,
        "nonlinear_activation": "LeakyReLU",
        "nonlinear_activation_params": {"negative_slope": config.negative_slope},
        "use_weight_norm": True,
        "nsf_params": {"nb_harmonics": config.harmonics, "sampling_rate": config.sampling_rate},
    }
