"""The parts of one voice: its settings, the names of its weights, its alphabet. Layouts: see `directory`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from tingshuo import ModelError
from tingshuo_sambert_hifigan.files import Files
from tingshuo_sambert_hifigan.hyperparameters import Section
from tingshuo_sambert_hifigan.languages import dictionary_alphabet, named_alphabet
from tingshuo_sambert_hifigan.symbols import Alphabet

#: Hz; what upstream assumes where nothing says otherwise.
DEFAULT_SAMPLE_RATE = 16_000
_CHECKPOINT = re.compile(r"checkpoint[^.]*?(\d+)\.pth")


@dataclass(frozen=True, slots=True)
class VoiceFiles:
    """A voice on disk. The names of files are relative to `files`; None where the voice has none."""

    name: str
    generation: int
    files: Files
    folder: str
    acoustic: Section
    vocoder: Section
    acoustic_weights: str
    vocoder_weights: str
    alphabet: Alphabet
    language: str
    speakers: tuple[str, ...]
    sample_rate: int
    hop: int | None
    f0_statistics: str | None
    speaker_embedding: str | None


def modern_voice(files: Files, name: str, folder: str, sample_rate: int) -> VoiceFiles:
    """A voice of generation 2 or 3 in its folder; `sample_rate`: Hz where it says none itself."""
    vocoder = "vocoder" if files.has_folder(f"{folder}/vocoder") else "voc"
    return _from_parts(
        files,
        name,
        folder,
        {
            "am_config": f"{folder}/am/config.yaml",
            "voc_config": f"{folder}/{vocoder}/config.yaml",
            "audio_config": f"{folder}/audio_config.yaml",
            "am_ckpt": _newest(files, f"{folder}/am/ckpt"),
            "voc_ckpt": _newest(files, f"{folder}/{vocoder}/ckpt"),
            "mvn_file": f"{folder}/am/mvn.npy",
            "se_file": f"{folder}/am/se.npy",
        },
        sample_rate,
    )


def custom_voice(files: Files, name: str, section: Section) -> VoiceFiles:
    """A personal voice, whose parts `custom_ckpt` of the model card names one by one."""
    keys = {"am_config": "", "voc_config": "", "am_ckpt": "", "voc_ckpt": ""}
    keys |= {"audio_config": "audio_config.yaml", "mvn_file": "mvn.npy", "se_file": "se.npy"}
    parts = {key: section.values.get(key, default) for key, default in keys.items()}
    for key, part in parts.items():
        if not isinstance(part, str) or not part:
            raise ModelError(f"{section.place}: custom_ckpt names no {key}")
    for key in ("am_ckpt", "voc_ckpt"):
        if files.has_folder(parts[key]):
            parts[key] = _newest(files, parts[key])
    return _from_parts(files, name, "", parts, DEFAULT_SAMPLE_RATE)


def _from_parts(files: Files, name: str, folder: str, parts: Mapping[str, str], sample_rate: int) -> VoiceFiles:
    acoustic, vocoder = _yaml(files, parts["am_config"]), _yaml(files, parts["voc_config"])
    unit = acoustic.inner("linguistic_unit")
    language = str(unit.values.get("language", "PinYin"))
    own_tables = bool(folder) and files.has_folder(f"{folder}/dict")
    if own_tables and ("language" not in unit.values or not named_alphabet(unit, language)):
        symbols = dictionary_alphabet(files, f"{folder}/dict", unit, language)
    elif not (found := named_alphabet(unit, language)):
        raise ModelError(f"{unit.place}: there is no table for the language {language!r}, nor a dict folder")
    else:
        symbols = found
    audio = _audio(files, parts["audio_config"], acoustic, vocoder)
    return VoiceFiles(
        name=name,
        generation=2 if own_tables else 3,
        files=files,
        folder=folder,
        acoustic=acoustic.inner("Model").inner("KanTtsSAMBERT").inner("params"),
        vocoder=vocoder.inner("Model").inner("Generator").inner("params"),
        acoustic_weights=parts["am_ckpt"],
        vocoder_weights=parts["voc_ckpt"],
        alphabet=symbols,
        language=language,
        speakers=tuple(symbols.features["speaker_category"]),
        sample_rate=audio.whole("sampling_rate", sample_rate),
        hop=audio.whole("hop_length", 0) or None,
        f0_statistics=parts["mvn_file"] if files.exists(parts["mvn_file"]) else None,
        speaker_embedding=parts["se_file"] if files.exists(parts["se_file"]) else None,
    )


def _newest(files: Files, folder: str) -> str:
    """The checkpoint of the highest step: real directories hold several, the older ones useless."""
    found = [(int(match[1]), name) for name in files.listing(folder) if (match := _CHECKPOINT.fullmatch(name))]
    if not found:
        raise ModelError(f"{files.label(folder)} holds no checkpoint_<step>.pth")
    return f"{folder}/{max(found)[1]}"


def _audio(files: Files, name: str, acoustic: Section, vocoder: Section) -> Section:
    """The `audio_config` of the voice, or else the one it was trained with."""
    own = _yaml(files, name) if files.exists(name) else None
    for section in (own, acoustic, vocoder):
        if section is not None and isinstance(section.values.get("audio_config"), dict):
            return section.inner("audio_config")
    return Section(files.label(name), {})


def _yaml(files: Files, name: str) -> Section:
    try:
        document = yaml.safe_load(files.read(name))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{files.label(name)} is no plain YAML: {first}") from error
    if not isinstance(document, dict):
        raise ModelError(f"{files.label(name)} holds no mapping")
    return Section(files.label(name), document)
