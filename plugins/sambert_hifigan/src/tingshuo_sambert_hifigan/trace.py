"""Everything between a symbol line and its samples, under the names that a reference run gives the same things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tingshuo import InvalidRequest
from tingshuo_sambert_hifigan.hifigan import Draws
from tingshuo_sambert_hifigan.postnet import PostnetState
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]


# With gradients allowed, though none are asked for, torch takes other kernels, which round otherwise.
@torch.inference_mode()
def trace(voice: LoadedVoice, symbols: str, inject: Mapping[str, npt.NDArray[Any]] | None = None) -> Arrays:
    """Run one symbol line, emotion and speaker as it says, in one pass and without windows.

    The acoustic model runs as defined, operation by operation in upstream's order, and not with the `Stepper`.

    Gives feats [F, N + 1] with the closing `~`; log_dur, pitch, energy [N]; dec, postnet, mel [T, M]; frames T;
    x_band; wav [L]; of an NSF voice nsf_phase [1, K, 1], nsf_noise and nsf_excitation [1, K or 1, L]. `inject` may
    hold the two draws nsf_phase and nsf_noise of another run; raises `InvalidRequest` where their shape is wrong.
    """
    style = Style()
    plan = voice.plan([voice.line(symbols, style)], style, exact=True)[0]
    steps = list(voice.acoustic.decode([plan]))
    channels = voice.acoustic.config.num_mels
    dec = torch.cat(steps, dim=1)[:, : plan.frames] if steps else plan.memory.new_zeros(1, 0, channels)
    postnet = voice.acoustic.mel_postnet.push(dec, PostnetState(), last=True) if plan.frames else dec
    mel = voice.in_hertz(postnet, 0.0)
    arrays: Arrays = {
        "feats": voice.alphabet.encode(symbols),
        "log_dur": _array(plan.log_durations),
        "pitch": _array(plan.pitch),
        "energy": _array(plan.energy),
        "dec": _array(dec[0]),
        "postnet": _array(postnet[0]),
        "mel": _array(mel[0]),
        "frames": np.array(plan.frames),
        "x_band": np.array(plan.band),
    }
    return arrays | vocoded(voice, mel, inject or {})


@torch.inference_mode()
def vocoded(voice: LoadedVoice, mel: Tensor, inject: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """The samples and NSF signals of `trace` for frames mel [1, T, M], f0 in Hz, whoever made them."""
    vocoder, frames = voice.vocoder, mel.shape[1]
    if not vocoder.config.harmonics:
        wav = vocoder(mel.transpose(1, 2))[0, 0] if frames else mel.new_zeros(0)
        return {"wav": _array(wav)}
    source = vocoder.source_module
    draws = source.draw(frames, seed=0)
    draws = Draws(_injected(inject, "nsf_phase", draws.phase), _injected(inject, "nsf_noise", draws.noise))
    draws = Draws(draws.phase.to(mel), draws.noise.to(mel))
    cycles = mel.new_zeros(1, source.count, 1, dtype=torch.float64)
    excitation, _ = source(mel[..., -2:].transpose(1, 2), cycles, draws)
    wav = vocoder(mel[..., :-2].transpose(1, 2), excitation)[0, 0] if frames else mel.new_zeros(0)
    signals = {"nsf_phase": draws.phase, "nsf_noise": draws.noise, "nsf_excitation": excitation, "wav": wav}
    return {name: _array(signal) for name, signal in signals.items()}


def _injected(inject: Mapping[str, npt.NDArray[Any]], name: str, drawn: Tensor) -> Tensor:
    if name not in inject:
        return drawn
    given = torch.from_numpy(np.asarray(inject[name], np.float32))
    if given.shape != drawn.shape:
        raise InvalidRequest(f"{name} to inject has shape {tuple(given.shape)}; this line takes {tuple(drawn.shape)}")
    return given


def _array(tensor: Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = tensor.cpu().numpy()
    return array
