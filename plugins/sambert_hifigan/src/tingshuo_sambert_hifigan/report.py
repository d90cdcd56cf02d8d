"""What a model directory holds and how much of it this engine can speak: `check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from tingshuo import Emotion, ModelError
from tingshuo_sambert_hifigan.directory import ModelDirectory, open_model
from tingshuo_sambert_hifigan.emotions import allowed_rows, portable
from tingshuo_sambert_hifigan.loading import Loaded, load_voice
from tingshuo_sambert_hifigan.voice_files import VoiceFiles

#: What no file of a directory can tell, and no official checkpoint was at hand to compare.
UNVERIFIED = (
    "the layouts and networks follow the published source code; no official checkpoint was at hand to compare with",
    "breaks carry emotion_none, as in the one published line of the official front end",
)


@dataclass(frozen=True, slots=True)
class VoiceReport:
    """One voice. problem: why it cannot speak, empty where it can. notes: what is unusual or not certain."""

    name: str
    problem: str = ""
    generation: int = 0
    language: str = ""
    sample_rate: int = 0
    variant: str = ""
    has_mask: bool | None = None
    speakers: tuple[str, ...] = ()
    emotions: tuple[Emotion, ...] = ()
    rows: tuple[str, ...] = ()
    acoustic_weights: str = ""
    vocoder_weights: str = ""
    parameters: int = 0
    ignored_tensors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A model directory. absent: names in voices.json without a folder."""

    path: Path
    voices: tuple[VoiceReport, ...]
    absent: tuple[str, ...]
    unverified: tuple[str, ...] = UNVERIFIED


def check(path: Path) -> Report:
    """Load every voice of a model directory and tell what was found. Raises `ModelError` for what is no model."""
    directory = open_model(path)
    return Report(path, tuple(_checked(directory, name) for name in directory.names), directory.absent)


def _checked(directory: ModelDirectory, name: str) -> VoiceReport:
    try:
        parts = directory.voice(name)
        rows = allowed_rows(parts)
        loaded = load_voice(parts, torch.device("cpu"))
    except ModelError as error:
        return VoiceReport(name, problem=error.message)
    has_mask = loaded.voice.acoustic.config.emotion_rows == parts.alphabet.rows("emo_category")
    return VoiceReport(
        name=name,
        generation=parts.generation,
        language=parts.language,
        sample_rate=parts.sample_rate,
        variant=_variant(parts, loaded),
        has_mask=has_mask,
        speakers=parts.speakers,
        emotions=portable(rows),
        rows=rows,
        acoustic_weights=parts.acoustic_weights,
        vocoder_weights=parts.vocoder_weights,
        parameters=loaded.parameters,
        ignored_tensors=loaded.ignored,
        notes=tuple(_notes(directory, parts, loaded, has_mask=has_mask)),
    )


def _variant(parts: VoiceFiles, loaded: Loaded) -> str:
    acoustic, vocoder = loaded.voice.acoustic.config, loaded.voice.vocoder.config
    words = ["causal" if vocoder.causal else "non-causal", "vocoder"]
    if loaded.voice.f0 is not None:
        words += ["NSF", str(parts.acoustic.values.get("nsf_norm_type", "mean_std"))]
    if loaded.voice.speaker is not None:
        words.append("SE")
    if acoustic.filled_pauses:
        words.append("FP")
    if len(acoustic.symbol_rows) == 1:
        words.append("bytes")
    return " ".join(words)


def _notes(directory: ModelDirectory, parts: VoiceFiles, loaded: Loaded, *, has_mask: bool) -> list[str]:
    notes = []
    if directory.has_mask is not None and directory.has_mask != has_mask:
        notes.append(
            f"the model card says has_mask {directory.has_mask}, the tensors say {has_mask}; the tensors count"
        )
    hop = loaded.voice.vocoder.config.hop
    if parts.hop is not None and parts.hop != hop:
        notes.append(f"audio_config.yaml says {parts.hop} samples a frame, the vocoder gives {hop}")
    if len(allowed_rows(parts)) == 1:
        notes.append("no list of its emotions is known, so it speaks neutral; an emotions.json in its folder adds more")
    if parts.language != "PinYin":
        notes.append(f"there is no front end for {parts.language}: it speaks symbol lines only")
    if loaded.ignored:
        notes.append(f"{len(loaded.ignored)} tensors are not used, {loaded.ignored[0]} first")
    return notes
