"""From the files of a voice to a voice in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tingshuo import ModelError
from tingshuo_sambert_hifigan.checkpoint import fill, folded, read_array, read_tensors, surplus
from tingshuo_sambert_hifigan.hifigan import Generator
from tingshuo_sambert_hifigan.hyperparameters import generator_config, modern_names, sambert_config
from tingshuo_sambert_hifigan.sambert import FILLED_PAUSES, Sambert
from tingshuo_sambert_hifigan.stepper import Stepper
from tingshuo_sambert_hifigan.vocoder import ready
from tingshuo_sambert_hifigan.voice import USUAL_F0_RATIO, F0Scale, LoadedVoice
from tingshuo_sambert_hifigan.voice_files import VoiceFiles

#: Keys of the state dicts, by generation: those of the generation first.
_ACOUSTIC_KEYS = (("model",), ("fsnet",))
_VOCODER_KEYS = (("model", "generator"), ("generator",))
#: The training aligner's tensors, which speaking does not need.
_TRAINING = "align_attention."


@dataclass(frozen=True, slots=True)
class Loaded:
    """A voice, the names of tensors in its checkpoints that nothing takes, and how many numbers were taken."""

    voice: LoadedVoice
    ignored: tuple[str, ...]
    parameters: int


def load_voice(parts: VoiceFiles, device: torch.device, precision: torch.dtype = torch.float32) -> Loaded:
    """Read a voice's weights and tables; `precision`: of the vocoder, where it pays. Raises `ModelError` naming file,
    key or tensor.
    """
    acoustic, spare = _acoustic(parts)
    generator, unused = _vocoder(parts)
    expected = generator.config.in_channels + (2 if generator.config.harmonics else 0)
    if acoustic.config.num_mels != expected:
        raise ModelError(
            f"{parts.acoustic.place}: num_mels is {acoustic.config.num_mels}; the vocoder of "
            f"{parts.vocoder.place} takes {expected}"
        )
    f0 = _f0_scale(parts)
    stepper = Stepper(acoustic.decoder, acoustic.variance_adaptor.duration_predictor) if device.type == "cpu" else None
    voice = LoadedVoice(
        name=parts.name,
        alphabet=parts.alphabet,
        acoustic=acoustic.to(device),
        stepper=stepper,
        vocoder=ready(generator.to(device), precision),
        sample_rate=parts.sample_rate,
        device=device,
        f0=f0,
        f0_ratio=_f0_ratio(parts),
        speaker=_speaker(parts, acoustic.config.speaker_units, device),
    )
    parameters = sum(tensor.numel() for module in (acoustic, generator) for tensor in module.parameters())
    return Loaded(voice, (*spare, *unused), parameters)


def _acoustic(parts: VoiceFiles) -> tuple[Sambert, list[str]]:
    place = parts.files.label(parts.acoustic_weights)
    tensors = read_tensors(parts.files, parts.acoustic_weights, _ACOUSTIC_KEYS)
    config = sambert_config(parts.acoustic, tensors, parts.alphabet, place)
    with torch.device("meta"):
        empty = Sambert(config)
    model = fill(empty, tensors, place)
    if config.filled_pauses:
        model.pauses = _pauses(parts)
    return model, [name for name in surplus(model, tensors) if not name.startswith(_TRAINING)]


def _pauses(parts: VoiceFiles) -> list[Tensor]:
    rows = []
    for phones in FILLED_PAUSES:
        first, second, end = phones
        marks = (
            (first, "tone5$s_begin$word_begin"),
            (second, "tone5$s_end$word_end"),
            (end, "tone_none$s_none$word_none"),
        )
        tokens = (f"{{{phone}${flags}$emotion_neutral${parts.speakers[0]}}}" for phone, flags in marks)
        rows.append(torch.from_numpy(parts.alphabet.encode(" ".join(tokens))[:, :-1]).long())
    return rows


def _vocoder(parts: VoiceFiles) -> tuple[Generator, list[str]]:
    place = parts.files.label(parts.vocoder_weights)
    tensors = read_tensors(parts.files, parts.vocoder_weights, _VOCODER_KEYS)
    tensors = folded(modern_names(tensors) if parts.generation == 1 else tensors)
    config = generator_config(parts.vocoder, parts.sample_rate)
    with torch.device("meta"):
        empty = Generator(config)
    model = fill(empty, tensors, place)
    return model, surplus(model, tensors)


def _f0_scale(parts: VoiceFiles) -> F0Scale | None:
    if not parts.acoustic.flag("NSF"):
        return None
    kind = parts.acoustic.values.get("nsf_norm_type", "mean_std")
    if kind != "mean_std":
        lowest = parts.acoustic.number("nsf_f0_global_minimum", 30.0)
        return F0Scale(parts.acoustic.number("nsf_f0_global_maximum", 730.0) - lowest, lowest, torch.float32)
    if parts.f0_statistics is None:
        raise ModelError(f"{parts.acoustic.place}: NSF is set, but the file am/mvn.npy is missing in {parts.folder}")
    mean, deviation, precision = _statistics(parts, parts.f0_statistics)
    return F0Scale(deviation, mean, precision)


def _f0_ratio(parts: VoiceFiles) -> float:
    if parts.f0_statistics is None:
        return USUAL_F0_RATIO
    mean, deviation, _ = _statistics(parts, parts.f0_statistics)
    return mean / deviation


def _statistics(parts: VoiceFiles, name: str) -> tuple[float, float, torch.dtype]:
    """Mean and standard deviation of f0 in Hz, and the precision they are kept in."""
    values = read_array(parts.files, name)
    if values.size != 2 or values.flat[1] <= 0:
        raise ModelError(f"{parts.files.label(name)} has shape {values.shape}; it must be mean and deviation of f0")
    precision = torch.float64 if values.dtype == np.float64 else torch.float32
    return float(values.flat[0]), float(values.flat[1]), precision


def _speaker(parts: VoiceFiles, units: int, device: torch.device) -> Tensor | None:
    if not parts.acoustic.flag("SE"):
        return None
    if parts.speaker_embedding is None:
        raise ModelError(f"{parts.acoustic.place}: SE is set, but the file am/se.npy is missing in {parts.folder}")
    values = read_array(parts.files, parts.speaker_embedding)
    if values.size != units:
        place = parts.files.label(parts.speaker_embedding)
        raise ModelError(f"{place} has shape {values.shape}; the acoustic model takes (1, {units})")
    return torch.from_numpy(values.reshape(units).astype(np.float32)).to(device)
