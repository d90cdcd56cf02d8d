"""Sizes of the two networks, from a voice's configuration and, where a tensor tells more surely, from its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from tingshuo import ModelError
from tingshuo_sambert_hifigan.hifigan import GeneratorConfig
from tingshuo_sambert_hifigan.sambert import SambertConfig
from tingshuo_sambert_hifigan.symbols import Alphabet

#: Embeddings of the text's features, in the order of the features.
_TEXT_EMBEDDINGS = {
    "sy": "text_encoder.sy_emb.weight",
    "tone": "text_encoder.tone_emb.weight",
    "syllable_flag": "text_encoder.syllable_flag_emb.weight",
    "word_segment": "text_encoder.ws_emb.weight",
    "byte_index": "text_encoder.byte_index_emb.weight",
}
_EMOTIONS, _SPEAKERS = "emo_tokenizer.weight", "spk_tokenizer.weight"
_POSITIONS = "text_encoder.ling_enc.position_enc.position_enc"
_TUPLES = ("dur_pred_prenet_units", "decoder_prenet_units")
_SHIFTS = {"predictor_shift": "predictor_fsmn_num_layers", "postnet_shift": "postnet_fsmn_num_layers"}
_FROM_TENSORS = ("positions", "symbol_rows", "emotion_rows", "speaker_rows", "filled_pauses")
#: Larger sizes than any voice has mean a damaged file, not a larger voice.
MAX_SIZE = 65_536


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of a configuration file; `place` is how messages call it."""

    place: str
    values: Mapping[str, Any]

    def whole(self, key: str, default: int | None = None) -> int:
        """The number `key`, from 0 to `MAX_SIZE`."""
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SIZE:
            raise ModelError(f"{self.place}: {key} is {value!r}; it must be a whole number up to {MAX_SIZE}")
        return value

    def wholes(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """The list of positive numbers `key`."""
        values = self.values.get(key, default)
        if not isinstance(values, list | tuple) or not values or len(values) > 64:
            raise ModelError(f"{self.place}: {key} is {values!r}; it must be a list of whole numbers")
        if not all(type(value) is int and 0 < value <= MAX_SIZE for value in values):
            raise ModelError(f"{self.place}: {key} is {values!r}; every one must be a whole number above 0")
        return tuple(values)

    def number(self, key: str, default: float) -> float:
        """The number `key`. YAML reads 1e-3 as text, so that is taken too."""
        try:
            return float(self.values.get(key, default))
        except (TypeError, ValueError):
            raise ModelError(f"{self.place}: {key} is {self.values.get(key)!r}; it must be a number") from None

    def flag(self, key: str, default: bool = False) -> bool:
        """The switch `key`."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise ModelError(f"{self.place}: {key} is {value!r}; it must be true or false")
        return value

    def inner(self, key: str) -> Section:
        """The mapping `key`; raises `ModelError` where there is none."""
        values = self.values.get(key)
        if not isinstance(values, dict):
            raise ModelError(f"{self.place} has no section {key}")
        return Section(f"{self.place}: {key}", values)


def sambert_config(section: Section, tensors: Mapping[str, Tensor], alphabet: Alphabet, place: str) -> SambertConfig:
    """The acoustic model's sizes; `place` is the checkpoint. Raises `ModelError` naming key or tensor."""
    values: dict[str, Any] = {}
    for name in (field.name for field in fields(SambertConfig) if field.name not in _FROM_TENSORS):
        if name in _TUPLES:
            values[name] = section.wholes(name)
        elif name in _SHIFTS:
            values[name] = _shifts(section, name, section.whole(_SHIFTS[name]))
        else:
            values[name] = section.whole(name)
    for part in ("encoder", "decoder"):
        if values[f"{part}_num_units"] % max(values[f"{part}_num_heads"], 1) or not values[f"{part}_num_heads"]:
            raise ModelError(f"{section.place}: {part}_num_units must be a multiple of {part}_num_heads")
    if not values["outputs_per_step"]:
        raise ModelError(f"{section.place}: outputs_per_step is 0")
    embeddings = [(key, name) for key, name in _TEXT_EMBEDDINGS.items() if key in alphabet.features]
    return SambertConfig(
        **values,
        positions=_rows(tensors, _POSITIONS, place, dimension=1),
        symbol_rows=tuple(vocabulary(tensors, name, key, alphabet, place) for key, name in embeddings),
        emotion_rows=vocabulary(tensors, _EMOTIONS, "emo_category", alphabet, place),
        speaker_rows=0 if section.flag("SE") else vocabulary(tensors, _SPEAKERS, "speaker_category", alphabet, place),
        filled_pauses=section.flag("FP"),
    )


def vocabulary(tensors: Mapping[str, Tensor], name: str, feature: str, alphabet: Alphabet, place: str) -> int:
    """Rows of an embedding. A voice without the mask symbol has one less than its table; nothing else is possible."""
    rows, full = _rows(tensors, name, place), alphabet.rows(feature)
    if rows not in (full, full - 1):
        raise ModelError(
            f"{place}: tensor {name} has {rows} rows; the table of {feature} asks for {full} or {full - 1}"
        )
    return rows


def _rows(tensors: Mapping[str, Tensor], name: str, place: str, dimension: int = 0) -> int:
    if name not in tensors:
        raise ModelError(f"{place} lacks tensor {name}")
    if tensors[name].ndim <= dimension:
        raise ModelError(f"{place}: tensor {name} is {tuple(tensors[name].shape)}; it must be a table")
    return tensors[name].shape[dimension]


def _shifts(section: Section, name: str, layers: int) -> tuple[int, ...]:
    if isinstance(section.values.get(name), list):
        shifts = section.values[name]
        if len(shifts) != layers or not all(type(shift) is int and 0 <= shift <= MAX_SIZE for shift in shifts):
            raise ModelError(f"{section.place}: {name} is {shifts!r}; it must be {layers} whole numbers")
        return tuple(shifts)
    return (section.whole(name),) * layers


def generator_config(section: Section, sampling_rate: int) -> GeneratorConfig:
    """The vocoder's sizes; what the file leaves out has upstream's defaults. Raises `ModelError` naming the key."""
    values = section.values
    if section.whole("out_channels", 1) != 1:
        raise ModelError(
            f"{section.place}: out_channels is {values['out_channels']}; sub-band vocoders are not supported"
        )
    if values.get("nonlinear_activation", "LeakyReLU") != "LeakyReLU" or not section.flag("repeat_upsample", True):
        raise ModelError(f"{section.place}: only LeakyReLU with repeat_upsample is supported")
    nsf = _inner(section, "nsf_params")
    scales = section.wholes("upsample_scales", (8, 8, 2, 2))
    kernels = section.wholes("upsample_kernal_sizes", (16, 16, 4, 4))
    blocks = section.wholes("resblock_kernel_sizes", (3, 7, 11))
    dilations = _dilations(section)
    if len(kernels) != len(scales) or len(dilations) != len(blocks):
        raise ModelError(f"{section.place}: upsample or resblock lists differ in length")
    if any(kernel < scale for kernel, scale in zip(kernels, scales, strict=True)):
        raise ModelError(f"{section.place}: an upsample kernel in {list(kernels)} is smaller than its scale")
    return GeneratorConfig(
        in_channels=section.whole("in_channels", 80),
        channels=section.whole("channels", 512),
        kernel_size=section.whole("kernel_size", 7),
        upsample_scales=scales,
        upsample_kernal_sizes=kernels,
        resblock_kernel_sizes=blocks,
        resblock_dilations=dilations,
        causal=section.flag("causal", True),
        negative_slope=_inner(section, "nonlinear_activation_params").number("negative_slope", 0.1),
        harmonics=nsf.whole("nb_harmonics", 7) if nsf.values else 0,
        sampling_rate=nsf.whole("sampling_rate", sampling_rate),
    )


def _inner(section: Section, key: str) -> Section:
    values = section.values.get(key) or {}
    if not isinstance(values, dict):
        raise ModelError(f"{section.place}: {key} must be a mapping")
    return Section(section.place, values)


def _dilations(section: Section) -> tuple[tuple[int, ...], ...]:
    rows = section.values.get("resblock_dilations", [[1, 3, 5]] * 3)
    if not isinstance(rows, list) or not rows:
        raise ModelError(f"{section.place}: resblock_dilations is {rows!r}; it must be a list of lists")
    return tuple(Section(section.place, {"resblock_dilations": row}).wholes("resblock_dilations") for row in rows)


def modern_generator(section: Section) -> Section:
    """The vocoder settings of a generation 1 model card, under the names used since."""
    names = {
        "upsample_rates": "upsample_scales",
        "upsample_kernel_sizes": "upsample_kernal_sizes",
        "upsample_initial_channel": "channels",
        "resblock_dilation_sizes": "resblock_dilations",
        "num_mels": "in_channels",
    }
    if str(section.values.get("resblock", "1")) != "1":
        raise ModelError(f"{section.place}: resblock is {section.values['resblock']!r}; only 1 is supported")
    return Section(
        section.place, {"causal": True, **{names.get(key, key): value for key, value in section.values.items()}}
    )


def modern_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A generation 1 vocoder's tensors under the names used since."""
    renamed = {}
    for name, tensor in tensors.items():
        new = re.sub(r"^ups\.(\d+)\.", r"transpose_upsamples.\1.1.", name)
        new = re.sub(r"^repeat_ups\.", "repeat_upsamples.", new)
        renamed[re.sub(r"^resblocks\.", "conv_blocks.", new)] = tensor
    return renamed
