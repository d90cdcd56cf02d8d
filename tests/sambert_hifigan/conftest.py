"""Voices with small random weights in the layouts of all three generations, written as upstream writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.hifigan import Generator, GeneratorConfig
from tingshuo_sambert_hifigan.loading import load_voice
from tingshuo_sambert_hifigan.sambert import Sambert, SambertConfig, sinusoids
from tingshuo_sambert_hifigan.symbols import alphabet, byte_alphabet
from tingshuo_sambert_hifigan.tables import EMOTIONS, PHONES, SYLLABLE_FLAGS, TONES, WORD_SEGMENTS
from tingshuo_sambert_hifigan.voice import LoadedVoice

SPEAKERS = ("F7", "M7")
LINE = " ".join(
    f"{{{phone}${tone}${flag}${word}$emotion_neutral$F7}}"
    for phone, tone, flag, word in (
        ("b_c", "tone3", "s_begin", "word_begin"),
        ("ei_c", "tone3", "s_end", "word_middle"),
        ("j_c", "tone1", "s_begin", "word_middle"),
        ("ing_c", "tone1", "s_end", "word_end"),
    )
)
BREAK = "{#4$tone_none$s_none$word_none$emotion_none$F7}"
SYMBOLS = f"{LINE} {BREAK}"

SIZES: dict[str, Any] = {
    "embedding_dim": 16,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_num_units": 8,
    "encoder_ffn_inner_dim": 16,
    "encoder_projection_units": 8,
    "speaker_units": 4,
    "emotion_units": 4,
    "predictor_filter_size": 5,
    "predictor_fsmn_num_layers": 2,
    "predictor_num_memory_units": 8,
    "predictor_ffn_inner_dim": 12,
    "predictor_shift": 0,
    "predictor_lstm_units": 4,
    "dur_pred_prenet_units": [8, 8],
    "dur_pred_lstm_units": 8,
    "decoder_prenet_units": [8, 8],
    "decoder_num_layers": 2,
    "decoder_num_heads": 2,
    "decoder_num_units": 8,
    "decoder_ffn_inner_dim": 16,
    "outputs_per_step": 3,
    "num_mels": 8,
    "postnet_filter_size": 11,
    "postnet_fsmn_num_layers": 2,
    "postnet_num_memory_units": 8,
    "postnet_ffn_inner_dim": 12,
    "postnet_shift": 3,
    "postnet_lstm_units": 4,
    "max_len": 50,
}
VOCODER: dict[str, Any] = {
    "in_channels": 8,
    "out_channels": 1,
    "channels": 8,
    "kernel_size": 7,
    "upsample_scales": [5, 4],
    "upsample_kernal_sizes": [10, 8],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilations": [[1, 3], [1, 3]],
    "causal": False,
    "nonlinear_activation": "LeakyReLU",
    "nonlinear_activation_params": {"negative_slope": 0.1},
}
Make: TypeAlias = Callable[..., Path]


def _random(module: nn.Module, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(tensor.shape, generator=generator) * (0.3 if tensor.ndim > 1 else 0.1)
        for name, tensor in module.state_dict().items()
    }


def acoustic_tensors(
    params: Mapping[str, Any], language: str, speakers: int, *, mask: bool, seed: int
) -> dict[str, Tensor]:
    """A random state dict for the parameters."""
    letters = alphabet(PHONES.get(language, ()), TONES.get(language, ()), SPEAKERS[:speakers])
    if params.get("using_byte"):
        letters = byte_alphabet(SPEAKERS[:speakers])
    rows = [letters.rows(feature) - (not mask) for feature in letters.features]
    names = {field.name for field in fields(SambertConfig)}
    values = {key: value for key, value in params.items() if key in names}
    for key in ("dur_pred_prenet_units", "decoder_prenet_units"):
        values[key] = tuple(params[key])
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
    tensors = _random(module, seed)
    tensors["text_encoder.ling_enc.position_enc.position_enc"] = sinusoids(config.positions, config.embedding_dim)[None]
    width = config.encoder_projection_units
    wavelengths = [10_000 ** (2 * (index // 2) / width) for index in range(width)]
    tensors["variance_adaptor.dur_position_encoder.inv_timescales"] = torch.tensor(wavelengths)
    # log(frames + 1) of about 1.6: four frames a symbol.
    tensors["variance_adaptor.duration_predictor.fc.bias"] = torch.tensor([1.6])
    return tensors


def vocoder_tensors(params: Mapping[str, Any], seed: int) -> dict[str, Tensor]:
    """A random state dict for the parameters, with weight norm as it is trained."""
    names = {field.name for field in fields(GeneratorConfig)}
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in params.items() if key in names}
    values["resblock_dilations"] = tuple(tuple(row) for row in params["resblock_dilations"])
    nsf = params.get("nsf_params", {})
    config = GeneratorConfig(negative_slope=0.1, harmonics=nsf.get("nb_harmonics", 0), sampling_rate=16_000, **values)
    with torch.device("meta"):
        module = Generator(replace(config))
    tensors = {}
    for name, tensor in _random(module, seed).items():
        if name.endswith(".weight"):
            stem = name.removesuffix("weight")
            tensors[f"{stem}weight_v"] = tensor
            tensors[f"{stem}weight_g"] = tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
        else:
            tensors[name] = tensor
    return tensors


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(content), "utf-8")
    else:
        path.write_text(yaml.safe_dump(content), "utf-8")


def _save(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)


@pytest.fixture
def make_model(tmp_path: Path) -> Make:
    """Writes a model directory of generation 3 (with `dictionary` 2) and gives its path."""

    def make(
        *names: str,
        acoustic: Mapping[str, Any] | None = None,
        vocoder: Mapping[str, Any] | None = None,
        language: str = "PinYin",
        speakers: int = 1,
        mask: bool = True,
        sample_rate: int = 16_000,
        emotions: list[str] | None = None,
    ) -> Path:
        root = tmp_path / "model"
        params, voc = {**SIZES, **(acoustic or {})}, {**VOCODER, **(vocoder or {})}
        _write(root / "configuration.json", {"model": {"am": {"linguistic_unit": {"has_mask": mask}}}})
        _write(root / "voices" / "voices.json", {"voices": list(names or ("small",))})
        unit = {"language": language, "speaker_list": ",".join(SPEAKERS[:speakers]), "cleaners": "english_cleaners"}
        if params.get("using_byte"):
            unit["lfeat_type_list"] = "byte_index,emo_category,speaker_category"
        for seed, name in enumerate(names or ("small",)):
            folder = root / "voices" / name
            am = {"Model": {"KanTtsSAMBERT": {"params": params}}, "linguistic_unit": unit}
            _write(folder / "am" / "config.yaml", am)
            _write(folder / "voc" / "config.yaml", {"Model": {"Generator": {"params": voc}}})
            hop = int(np.prod(voc["upsample_scales"]))
            audio = {"sampling_rate": sample_rate, "hop_length": hop}
            _write(folder / "audio_config.yaml", {"audio_config": audio})
            tensors = acoustic_tensors(params, language, speakers, mask=mask, seed=seed)
            _save(folder / "am" / "ckpt" / "checkpoint_100.pth", {"model": tensors, "steps": 100})
            generator = vocoder_tensors(voc, seed + 100)
            _save(folder / "voc" / "ckpt" / "checkpoint_0.pth", {"model": {"generator": generator}, "steps": 0})
            if emotions is not None:
                _write(folder / "emotions.json", {"emotions": emotions})
        return root

    return make


@pytest.fixture
def make_first_generation(tmp_path: Path) -> Make:
    """Writes a model directory of generation 1, its voices unpacked, and gives its path."""

    def make(*, mask: bool = True) -> Path:
        root = tmp_path / "first"
        tables = {
            "sy": (*PHONES["PinYin"], "#1", "#2", "#3", "#4"),
            "tone": TONES["PinYin"],
            "syllable_flag": SYLLABLE_FLAGS,
            "word_segment": WORD_SEGMENTS,
            "emo_category": EMOTIONS,
            "speaker_category": SPEAKERS[:1],
        }
        unit: dict[str, Any] = {feature: f"{feature}.txt" for feature in tables} | {"has_mask": mask}
        vocoder = {
            "num_mels": 8,
            "resblock": "1",
            "upsample_rates": [5, 4],
            "upsample_kernel_sizes": [10, 8],
            "upsample_initial_channel": 8,
            "resblock_kernel_sizes": [3, 5],
            "resblock_dilation_sizes": [[1, 3], [1, 3]],
        }
        card = {"am": {"am": SIZES, "linguistic_unit": unit}, "vocoder": vocoder, "sample_rate": 16_000}
        _write(root / "configuration.json", {"model": card})
        _write(root / "voices" / "voices.json", {"voices": ["old"]})
        folder = root / "voices" / "old"
        folder.mkdir()
        for feature, symbols in tables.items():
            (folder / f"{feature}.txt").write_text("\n".join(symbols) + "\n", "utf-8")
        tensors = acoustic_tensors(SIZES, "PinYin", 1, mask=mask, seed=1)
        _save(folder / "am" / "pytorch_model.bin", {"fsnet": tensors})
        renamed = {}
        for name, tensor in vocoder_tensors({**VOCODER, "causal": True}, 2).items():
            old = name.replace("transpose_upsamples.0.1.", "ups.0.").replace("transpose_upsamples.1.1.", "ups.1.")
            renamed[old.replace("repeat_upsamples.", "repeat_ups.").replace("conv_blocks.", "resblocks.")] = tensor
        _save(folder / "vocoder" / "pytorch_model.bin", {"generator": renamed})
        return root

    return make


Load: TypeAlias = Callable[..., LoadedVoice]


def _load(root: Path, name: str = "") -> LoadedVoice:
    directory = open_model(root)
    return load_voice(directory.voice(name or directory.names[0]), torch.device("cpu")).voice


@pytest.fixture
def load() -> Load:
    """Loads a voice of a model directory, the default one where none is named."""
    return _load


@pytest.fixture
def symbols() -> str:
    """A symbol line that every Mandarin voice speaks: two syllables and the end."""
    return SYMBOLS


@pytest.fixture
def long_symbols() -> str:
    """A symbol line of 300 symbols and the end."""
    return " ".join([LINE] * 75 + [BREAK])
