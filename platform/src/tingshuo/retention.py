"""What of a request is kept: values made storable, and texts left out where TINGSHUO_KEEP_TEXT is off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

#: Keys whose strings are names out of a fixed list, not something a person said or wrote. With texts off, every
#: other string is left out: a field that nobody thought of must not become a leak.
LABELS = frozenset(
    (
        *("channel", "code", "emotion", "emotions", "engine", "format", "heard_emotion", "kind", "label"),
        *("language", "languages", "model", "origin", "recognizer", "response_format", "synthesizer"),
        *("per_emotion", "per_voice", "timing", "version", "voice", "voices"),
    )
)


def storable(text: str) -> str:
    """`text` as every database takes it: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def kept(value: object, *, keep_text: bool) -> Json:
    """`value` as JSON to store; without `keep_text`, each string that is no label becomes None."""
    return _kept(value, keep_text)


def file_name(name: str | None) -> str | None:
    """The last part of an uploaded file's name, without what a terminal or a header would obey."""
    if not name:
        return None
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return storable("".join(char if char.isprintable() else "_" for char in last))[:255] or None


def _kept(value: object, keep_strings: bool) -> Json:
    if isinstance(value, str):
        return storable(value) if keep_strings else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {storable(str(key)): _kept(item, keep_strings or str(key) in LABELS) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_kept(item, keep_strings) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be stored in the history")
