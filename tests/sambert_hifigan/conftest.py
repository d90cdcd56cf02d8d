"""Voices with small random weights in the layouts of all three generations, written as upstream writes them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from small_voices import Edit, Load, Make, Zip

from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.loading import load_voice
from tingshuo_sambert_hifigan.random_voice import acoustic_tensors, vocoder_tensors, write, write_model, write_voice
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
        write_model(root, names or ("small",), mask=mask)
        how: dict[str, Any] = {"language": language, "speakers": SPEAKERS[:speakers], "mask": mask}
        for seed, name in enumerate(names or ("small",)):
            folder = root / "voices" / name
            write_voice(folder, params, voc, sample_rate=sample_rate, seed=seed, **how)
            if emotions is not None:
                write(folder / "emotions.json", {"emotions": emotions})
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
        write(root / "configuration.json", {"model": card})
        write(root / "voices" / "voices.json", {"voices": ["old"]})
        folder = root / "voices" / "old"
        folder.mkdir()
        for feature, symbols in tables.items():
            (folder / f"{feature}.txt").write_text("\n".join(symbols) + "\n", "utf-8")
        tensors = acoustic_tensors(SIZES, SPEAKERS[:1], mask=mask, seed=1)
        write(folder / "am" / "pytorch_model.bin", {"fsnet": tensors})
        renamed = {}
        for name, tensor in vocoder_tensors({**VOCODER, "causal": True}, 16_000, 2).items():
            old = name.replace("transpose_upsamples.0.1.", "ups.0.").replace("transpose_upsamples.1.1.", "ups.1.")
            renamed[old.replace("repeat_upsamples.", "repeat_ups.").replace("conv_blocks.", "resblocks.")] = tensor
        write(folder / "vocoder" / "pytorch_model.bin", {"generator": renamed})
        return root

    return make


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


def _edit_yaml(path: Path, change: Callable[[Any], object]) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), "utf-8")


def _edit_tensors(path: Path, change: Callable[[Any], object]) -> None:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def _zipped(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent).as_posix())


@pytest.fixture
def edit_yaml() -> Edit:
    """Changes what a file of YAML holds."""
    return _edit_yaml


@pytest.fixture
def edit_tensors() -> Edit:
    """Changes what a checkpoint holds."""
    return _edit_tensors


@pytest.fixture
def zipped() -> Zip:
    """Puts a folder, under its own name, into a zip archive."""
    return _zipped
