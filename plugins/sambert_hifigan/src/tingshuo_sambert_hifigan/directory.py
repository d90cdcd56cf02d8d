"""A model directory as ModelScope hands it out, generations 1 to 3: which voices it has and where their parts lie.

| generation | settings | weights |
|---|---|---|
| 1 (2022-11) | `configuration.json`: model.am, model.vocoder | `voices.zip`: `<voice>/{am,vocoder}/pytorch_model.bin` |
| 2 (2022-12) | `<voice>/{am,voc}/config.yaml`, tables in `<voice>/dict/` | `<voice>/{am,voc}/ckpt/checkpoint_N.pth` |
| 3 (2023-03) | as 2, the tables come with the program | as 2, and `am/{mvn,se}.npy` |

Source: modelscope e90ff9e4, 88960870 and 2905da1, modelscope/models/audio/tts/{sambert_hifi,voice}.py. Upstream reads
YAML that may run code and unpacks zips into the directory; here YAML is plain and zips are read where they lie.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tingshuo import ModelError
from tingshuo_sambert_hifigan.files import Archive, Files, Folder
from tingshuo_sambert_hifigan.hyperparameters import Section, modern_generator
from tingshuo_sambert_hifigan.languages import listed_alphabet
from tingshuo_sambert_hifigan.voice_files import DEFAULT_SAMPLE_RATE, VoiceFiles, custom_voice, modern_voice

_NAME = re.compile(r"[^/\\\x00]{1,128}")


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A model directory: names of its voices, the default one first, and of those listed but not there."""

    path: Path
    files: Files
    folder: str
    configuration: Section
    names: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def has_mask(self) -> bool | None:
        """What the model card says about the mask symbol; None where it says nothing."""
        unit = _mapping(_mapping(self.configuration.values, "am"), "linguistic_unit")
        value = unit.get("has_mask")
        return value if isinstance(value, bool) else None

    def voice(self, name: str) -> VoiceFiles:
        """The parts of a voice; raises `ModelError` naming the file that is missing or wrong."""
        custom = _mapping(self.configuration.values, "custom_ckpt")
        if custom and custom.get("voice_name") == name:
            return custom_voice(self.files, name, Section(self.configuration.place, custom))
        folder = f"{self.folder}/{name}".lstrip("/")
        if self.files.exists(f"{folder}/am/config.yaml"):
            return modern_voice(self.files, name, folder, self._sample_rate())
        if "vocoder" in self.configuration.values:
            return self._first_generation(name, folder)
        raise ModelError(f"the file {self.files.label(folder)}/am/config.yaml is missing")

    def _sample_rate(self) -> int:
        return self.configuration.whole("sample_rate", DEFAULT_SAMPLE_RATE)

    def _first_generation(self, name: str, folder: str) -> VoiceFiles:
        place, card = self.configuration.place, self.configuration.values
        acoustic, vocoder = _mapping(card, "am"), _mapping(card, "vocoder")
        unit = Section(f"{place}: linguistic_unit", _mapping(acoustic, "linguistic_unit"))
        symbols = listed_alphabet(self.files, folder, unit)
        weights = {part: f"{folder}/{part}/pytorch_model.bin" for part in ("am", "vocoder")}
        for part in weights.values():
            if not self.files.exists(part):
                raise ModelError(f"the file {self.files.label(part)} is missing")
        return VoiceFiles(
            name=name,
            generation=1,
            files=self.files,
            folder=folder,
            # The acoustic model's sizes lie one level deeper than everything else.
            acoustic=Section(f"{place}: am", _mapping(acoustic, "am") or acoustic),
            vocoder=modern_generator(Section(f"{place}: vocoder", vocoder)),
            acoustic_weights=weights["am"],
            vocoder_weights=weights["vocoder"],
            alphabet=symbols,
            language="PinYin",
            speakers=tuple(symbols.features["speaker_category"]),
            sample_rate=self._sample_rate(),
            hop=None,
            f0_statistics=None,
            speaker_embedding=None,
        )


def _mapping(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


# ---- the directory


def open_model(path: Path) -> ModelDirectory:
    """Read configuration.json, where there is one, and voices.json. Raises `ModelError` for what is no model."""
    files, folder, outer = _locate(path)
    configuration = _configuration(outer)
    custom = _mapping(configuration.values, "custom_ckpt").get("voice_name")
    if isinstance(custom, str) and not files.exists(f"{folder}/voices.json".lstrip("/")):
        return ModelDirectory(path, files, folder, configuration, (custom,), ())
    place = f"{folder}/voices.json".lstrip("/")
    names = _names(files, place)
    there = tuple(name for name in names if files.has_folder(f"{folder}/{name}".lstrip("/")))
    if not there:
        raise ModelError(f"{files.label(place)} lists {', '.join(names) or 'no voice'}, but no such folder is there")
    absent = tuple(name for name in names if name not in there)
    return ModelDirectory(path, files, folder, configuration, there, absent)


def _locate(path: Path) -> tuple[Files, str, Files]:
    """Where the voices lie, in which folder of it, and where configuration.json would be."""
    if path.is_file():
        archive = Archive(path)
        lists = [name for name in archive.names() if name == "voices.json" or name.endswith("/voices.json")]
        if len(lists) != 1:
            raise ModelError(f"{path} holds {len(lists)} files voices.json; exactly one is needed")
        return archive, lists[0].rpartition("/")[0], archive
    if not path.is_dir():
        raise ModelError(f"{path} is no directory")
    folder = Folder(path)
    if folder.exists("voices/voices.json") or not (folder.exists("voices.zip") or folder.exists("voices.json")):
        return folder, "voices", folder
    if folder.exists("voices.json"):
        return folder, "", folder
    return Archive(path / "voices.zip"), "voices", folder


def _configuration(files: Files) -> Section:
    """`model` of configuration.json; empty where the file is absent."""
    place = files.label("configuration.json")
    if not files.exists("configuration.json"):
        return Section(place, {})
    return Section(f"{place}: model", _mapping(_json(files, "configuration.json"), "model"))


def _json(files: Files, name: str) -> dict[str, Any]:
    try:
        document = json.loads(files.read(name))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{files.label(name)} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ModelError(f"{files.label(name)} holds no object")
    return document


def _names(files: Files, place: str) -> list[str]:
    names = _json(files, place).get("voices")
    if not isinstance(names, list) or not names:
        raise ModelError(f"{files.label(place)} lists no voices")
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (".", ".."):
            raise ModelError(f"{files.label(place)}: {name!r} is no name of a voice")
    return list(dict.fromkeys(names))
