"""Voices of random weights in the official layout: what tests and measurements speak with where no model lies.

Speed does not depend on the values of weights, and a wrong sum shows with any. Written as upstream writes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from tingshuo_sambert_hifigan.hifigan import Generator, GeneratorConfig
from tingshuo_sambert_hifigan.hyperparameters import Section, generator_config
from tingshuo_sambert_hifigan.sambert import Sambert, SambertConfig, sinusoids
from tingshuo_sambert_hifigan.symbols import alphabet, byte_alphabet
from tingshuo_sambert_hifigan.tables import PHONES, TONES

#: Parameters of `am/config.yaml` of the official 16 kHz voices.
OFFICIAL_ACOUSTIC: dict[str, Any] = {
    "max_len": 800,
    "embedding_dim": 512,
    "encoder_num_layers": 8,
    "encoder_num_heads": 8,
    "encoder_num_units": 128,
    "encoder_ffn_inner_dim": 1024,
    "encoder_projection_units": 32,
    "speaker_units": 32,
    "emotion_units": 32,
    "predictor_filter_size": 41,
    "predictor_fsmn_num_layers": 3,
    "predictor_num_memory_units": 128,
    "predictor_ffn_inner_dim": 256,
    "predictor_shift": 0,
    "predictor_lstm_units": 128,
    "dur_pred_prenet_units": [128, 128],
    "dur_pred_lstm_units": 128,
    "decoder_prenet_units": [256, 256],
    "decoder_num_layers": 12,
    "decoder_num_heads": 8,
    "decoder_num_units": 128,
    "decoder_ffn_inner_dim": 1024,
    "outputs_per_step": 3,
    "num_mels": 80,
    "postnet_filter_size": 41,
    "postnet_fsmn_num_layers": 4,
    "postnet_num_memory_units": 256,
    "postnet_ffn_inner_dim": 512,
    "postnet_shift": 17,
    "postnet_lstm_units": 128,
    # Only KAN-TTS reads these, and only training heeds them.
    "encoder_dropout": 0.1,
    "encoder_attention_dropout": 0.1,
    "encoder_relu_dropout": 0.1,
    "predictor_dropout": 0.1,
    "decoder_dropout": 0.1,
    "decoder_attention_dropout": 0.1,
    "decoder_relu_dropout": 0.1,
    "postnet_dropout": 0.1,
}
#: Parameters of `voc/config.yaml` of the official 16 kHz voices.
OFFICIAL_VOCODER: dict[str, Any] = {
    "in_channels": 80,
    "out_channels": 1,
    "channels": 256,
    "kernel_size": 7,
    "upsample_scales": [10, 5, 2, 2],
    "upsample_kernal_sizes": [20, 11, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilations": [[1, 3, 5, 7]] * 3,
    "causal": False,
    "nonlinear_activation": "LeakyReLU",
    "nonlinear_activation_params": {"negative_slope": 0.1},
}
#: Of the vocoder's weights: residual blocks then add about as much as they are given.
VOCODER_GAIN = 0.5


def _random(module: nn.Module, seed: int, gain: float) -> dict[str, Tensor]:
    """Weights that keep a signal's size times `gain`; small biases; scales of layer norms near 1."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, tensor in module.state_dict().items():
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.ndim > 1:
            tensors[name] = drawn * gain / math.sqrt(tensor[0].numel())
        else:
            tensors[name] = drawn * 0.1 + name.endswith("weight")
    return tensors


def acoustic_tensors(
    params: Mapping[str, Any], speakers: tuple[str, ...], *, language: str = "PinYin", mask: bool = True, seed: int = 0
) -> dict[str, Tensor]:
    """A random state dict for the parameters; `mask`: whether the vocabularies hold the mask symbol."""
    letters = alphabet(PHONES.get(language, ()), TONES.get(language, ()), speakers)
    if params.get("using_byte"):
        letters = byte_alphabet(speakers)
    rows = [letters.rows(feature) - (not mask) for feature in letters.features]
    names = {field.name for field in fields(SambertConfig)}
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in params.items() if key in names}
    for key, layers in (("predictor_shift", "predictor"), ("postnet_shift", "postnet")):
        values[key] = (params[key],) * params[f"{layers}_fsmn_num_layers"]
    config = SambertConfig(
        **values,
        positions=params["max_len"],
        symbol_rows=tuple(rows[:-2]),
        emotion_rows=rows[-2],
        speaker_rows=0 if params.get("SE") else rows[-1],
        filled_pauses=params.get("FP", False),
    )
    with torch.device("meta"):
        module = Sambert(config)
    tensors = _random(module, seed, 1.0)
    tensors["text_encoder.ling_enc.position_enc.position_enc"] = sinusoids(config.positions, config.embedding_dim)[None]
    width = config.encoder_projection_units
    wavelengths = [10_000 ** (2 * (index // 2) / width) for index in range(width)]
    tensors["variance_adaptor.dur_position_encoder.inv_timescales"] = torch.tensor(wavelengths)
    # log(frames + 1): six frames a symbol, and not far from it.
    tensors["variance_adaptor.duration_predictor.fc.weight"] *= 0.1
    tensors["variance_adaptor.duration_predictor.fc.bias"] = torch.tensor([math.log(7)])
    return tensors


def vocoder_tensors(params: Mapping[str, Any], sample_rate: int, seed: int = 0) -> dict[str, Tensor]:
    """A random state dict for the parameters, with weight norm as it is trained."""
    config: GeneratorConfig = generator_config(Section("random voice", params), sample_rate)
    with torch.device("meta"):
        module = Generator(config)
    tensors = {}
    for name, tensor in _random(module, seed, VOCODER_GAIN).items():
        if name.endswith(".weight"):
            stem = name.removesuffix("weight")
            tensors[f"{stem}weight_v"] = tensor
            tensors[f"{stem}weight_g"] = tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
        else:
            tensors[name] = tensor
    return tensors


def write(path: Path, content: object) -> None:
    """A file of JSON, YAML or, with any other ending, of tensors; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(content), "utf-8")
    elif path.suffix == ".yaml":
        path.write_text(yaml.safe_dump(content), "utf-8")
    else:
        torch.save(content, path)


def write_voice(
    folder: Path,
    acoustic: Mapping[str, Any],
    vocoder: Mapping[str, Any],
    *,
    language: str = "PinYin",
    speakers: tuple[str, ...] = ("F7",),
    mask: bool = True,
    sample_rate: int = 16_000,
    seed: int = 0,
) -> None:
    """A voice of generation 3: `am/`, `voc/` and `audio_config.yaml` in `folder`."""
    features = "sy,tone,syllable_flag,word_segment,emo_category,speaker_category"
    unit = {"language": language, "speaker_list": ",".join(speakers), "cleaners": "english_cleaners"}
    unit["lfeat_type_list"] = "byte_index,emo_category,speaker_category" if acoustic.get("using_byte") else features
    audio = {"sampling_rate": sample_rate, "hop_length": math.prod(vocoder["upsample_scales"])}
    model = {"KanTtsSAMBERT": {"params": dict(acoustic)}}
    write(folder / "am" / "config.yaml", {"Model": model, "linguistic_unit": unit})
    write(folder / "voc" / "config.yaml", {"Model": {"Generator": {"params": dict(vocoder)}}})
    write(folder / "audio_config.yaml", {"audio_config": audio})
    tensors = acoustic_tensors(acoustic, speakers, language=language, mask=mask, seed=seed)
    write(folder / "am" / "ckpt" / "checkpoint_100.pth", {"model": tensors, "steps": 100})
    generator = vocoder_tensors(vocoder, sample_rate, seed + 100)
    write(folder / "voc" / "ckpt" / "checkpoint_0.pth", {"model": {"generator": generator}, "steps": 0})


def write_model(root: Path, names: tuple[str, ...] = ("random",), *, mask: bool = True) -> None:
    """`configuration.json` and `voices/voices.json` of a model directory."""
    write(root / "configuration.json", {"model": {"am": {"linguistic_unit": {"has_mask": mask}}}})
    write(root / "voices" / "voices.json", {"voices": list(names)})
