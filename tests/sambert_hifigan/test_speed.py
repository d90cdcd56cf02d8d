"""What is laid out for speed gives what it is made from."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_voices import NSF, Load, Make

from tingshuo_sambert_hifigan import vocoder as vocoding
from tingshuo_sambert_hifigan.checkpoint import fill, folded
from tingshuo_sambert_hifigan.hifigan import Generator
from tingshuo_sambert_hifigan.hyperparameters import Section, generator_config
from tingshuo_sambert_hifigan.random_voice import OFFICIAL_VOCODER, vocoder_tensors
from tingshuo_sambert_hifigan.vocoder import Vocoder, ready
from tingshuo_sambert_hifigan.voice import Style

SHAPES: dict[str, dict[str, Any]] = {
    "16 kHz": {},
    "16 kHz causal": {"causal": True, "upsample_kernal_sizes": [20, 10, 4, 4]},
    "16 kHz NSF": NSF,
    "causal NSF": {**NSF, "causal": True},
    "24 kHz": {
        "causal": True,
        "upsample_scales": [8, 5, 3, 2],
        "upsample_kernal_sizes": [16, 10, 6, 4],
        "resblock_dilations": [[1, 3, 5]] * 3,
    },
    "48 kHz": {"upsample_scales": [10, 5, 3, 2, 2], "upsample_kernal_sizes": [20, 10, 6, 4, 4]},
    "odd kernels": {"upsample_scales": [3, 2], "upsample_kernal_sizes": [3, 7], "kernel_size": 5},
}


def generator(**changes: Any) -> Generator:
    params = {**OFFICIAL_VOCODER, "channels": 32, **changes}
    with torch.device("meta"):
        empty = Generator(generator_config(Section("test", params), 16_000))
    return fill(empty, folded(vocoder_tensors(params, 16_000)), "test")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("frames", [1, 2, 23])
def test_the_vocoder_gives_what_the_generator_gives(shape: str, frames: int) -> None:
    network = generator(**SHAPES[shape])
    draws = torch.Generator().manual_seed(1)
    mel = torch.randn(1, 80, frames, generator=draws)
    excitation = None
    if network.config.harmonics:
        excitation = torch.randn(1, 1, frames * network.config.hop, generator=draws)
    wanted, found = network(mel, excitation), Vocoder(network)(mel, excitation)
    assert wanted.std() > 1e-3
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-5)


def test_half_precision_is_used_only_where_it_is_faster_and_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    network = generator()
    monkeypatch.setattr(vocoding, "FASTER", 0.0)
    rounded = ready(network, torch.bfloat16)
    assert rounded.precision == torch.bfloat16
    mel = torch.randn(1, 80, 40)
    wanted, found = network(mel), rounded(mel)
    assert 10 * torch.log10(wanted.square().mean() / (wanted - found).square().mean()) > 35
    monkeypatch.setattr(vocoding, "CLEAN", 200.0)
    assert ready(network, torch.bfloat16).precision == torch.float32
    monkeypatch.setattr(vocoding, "CLEAN", 0.0)
    monkeypatch.setattr(vocoding, "FASTER", 1e9)
    assert ready(network, torch.bfloat16).precision == torch.float32
    assert ready(network, torch.float32).precision == torch.float32


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_the_stepper_gives_what_the_acoustic_model_gives(
    make_model: Make, load: Load, symbols: str, long_symbols: str, speed: float
) -> None:
    voice, style = load(make_model()), Style(speed=speed)
    for texts in ([symbols], [long_symbols], [symbols.split(" ")[0]], [symbols, long_symbols, symbols]):
        lines = [voice.line(text, style) for text in texts]
        exact, plans = voice.plan(lines, style, exact=True), voice.plan(lines, style)
        for one, other in zip(exact, plans, strict=True):
            assert one.frames == other.frames
            assert torch.allclose(one.log_durations, other.log_durations, atol=1e-5)
        wanted = torch.cat(list(voice.acoustic.decode(exact)), dim=1)
        found = torch.cat(list(voice.acoustic.decode(exact, voice.stepper)), dim=1)
        for row, plan in enumerate(exact):
            assert torch.allclose(found[row, : plan.frames], wanted[row, : plan.frames], atol=1e-4)
