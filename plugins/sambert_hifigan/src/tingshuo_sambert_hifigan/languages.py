"""The alphabet of a voice: from the shipped tables by language, from a `dict` folder, or from a card's text files."""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ET

from tingshuo import ModelError
from tingshuo_sambert_hifigan.files import Files
from tingshuo_sambert_hifigan.hyperparameters import Section
from tingshuo_sambert_hifigan.symbols import BYTE_FEATURES, FEATURES, Alphabet, alphabet, byte_alphabet
from tingshuo_sambert_hifigan.tables import PHONES, TONES

_NAMESPACE = "{http://schemas.alibaba-inc.com/tts}"


def named_alphabet(unit: Section, language: str) -> Alphabet | None:
    """The shipped tables of `language`, with the speakers of `linguistic_unit`; None for a language without."""
    speakers, features = _speakers(unit), _features(unit)
    if features == BYTE_FEATURES:
        return byte_alphabet(speakers)
    return alphabet(PHONES[language], TONES[language], speakers) if language in PHONES else None


def dictionary_alphabet(files: Files, folder: str, unit: Section, language: str) -> Alphabet:
    """The tables of generation 2: PhoneSet.xml and tonelist.txt, in `dict` or in a folder of the language below."""
    if _features(unit) == BYTE_FEATURES:
        return byte_alphabet(_speakers(unit))
    place = f"{folder}/{language}" if files.exists(f"{folder}/{language}/PhoneSet.xml") else folder
    tones = tuple(
        f"tone{line.strip()}" if line.strip() else "tone_none" for line in _lines(files, f"{place}/tonelist.txt")
    )
    return alphabet(_phones(files, f"{place}/PhoneSet.xml"), tones, _speakers(unit))


def listed_alphabet(files: Files, folder: str, unit: Section) -> Alphabet:
    """The tables of generation 1: for each feature a text file, one symbol a line, which `linguistic_unit` names."""
    tables = {}
    for feature in FEATURES:
        name = unit.values.get(feature)
        if not isinstance(name, str) or not name:
            raise ModelError(f"{unit.place} names no table of {feature}")
        tables[feature] = tuple(_lines(files, posixpath.join(folder, name)))
    return Alphabet(tables)


def _features(unit: Section) -> tuple[str, ...]:
    value = unit.values.get("lfeat_type_list", ",".join(FEATURES))
    features = tuple(str(value).strip().split(","))
    if features not in (FEATURES, BYTE_FEATURES):
        raise ModelError(f"{unit.place}: lfeat_type_list is {value!r}; it must be {','.join(FEATURES)}")
    return features


def _speakers(unit: Section) -> tuple[str, ...]:
    value = unit.values.get("speaker_list")
    if not isinstance(value, str) or not value.strip():
        raise ModelError(f"{unit.place}: speaker_list is {value!r}; it must name the speakers")
    return tuple(value.strip().split(","))


def _lines(files: Files, name: str) -> list[str]:
    try:
        return files.read(name).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ModelError(f"{files.label(name)} is no UTF-8 text: {error}") from error


def _phones(files: Files, name: str) -> tuple[str, ...]:
    document = files.read(name)
    # A document type could define entities that grow without bound; a table of phones needs none.
    if b"<!" in document.replace(b"<!--", b""):
        raise ModelError(f"{files.label(name)} defines a document type; a table of phones has none")
    try:
        root = ET.fromstring(document)  # noqa: S314 - entities are refused above
    except ET.ParseError as error:
        raise ModelError(f"{files.label(name)} is no XML: {error}") from error
    phones = tuple(found.text or "" for found in root.iterfind(f"{_NAMESPACE}phone/{_NAMESPACE}name"))
    if not phones:
        raise ModelError(f"{files.label(name)} names no phones")
    return phones
