"""The rich tags of SenseVoice, found in a tokenizer by their text.

The network answers with ordinary vocabulary pieces: `<|zh|><|HAPPY|><|BGM|><|withitn|>` come first, further tags may
come anywhere. Ids are not fixed (FunASR has those of one vocabulary in its source); a tag that a tokenizer lacks is
an answer its model cannot give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tingshuo import Emotion, EventLabel, ModelError
from tingshuo.types import UNKNOWN

LANGUAGES = ("zh", "en", "yue", "ja", "ko")
NO_SPEECH = "nospeech"
EMOTIONS: Mapping[str, str] = {
    **{name.upper(): name for name in Emotion},
    "OTHER": UNKNOWN,
    "EMO_UNKNOWN": UNKNOWN,
}
#: None: speech itself is no event beside speech.
EVENTS: Mapping[str, EventLabel | None] = {
    "Speech": None,
    "BGM": EventLabel.MUSIC,
    "Sing": EventLabel.SINGING,
    "Applause": EventLabel.APPLAUSE,
    "Laughter": EventLabel.LAUGHTER,
    "Cry": EventLabel.CRYING,
    "Cough": EventLabel.COUGHING,
    "Sneeze": EventLabel.SNEEZING,
    "Breath": EventLabel.BREATH,
    "Speech_Noise": EventLabel.NOISE,
    "GBG": EventLabel.NOISE,
    "Event_UNK": EventLabel.OTHER,
}
ITN = ("withitn", "woitn")
_TAG = re.compile(r"<\|(/?\w+)\|>")


class Pieces(Protocol):
    """The part of sentencepiece.SentencePieceProcessor that is needed."""

    def get_piece_size(self) -> int: ...
    def id_to_piece(self, index: int, /) -> str: ...
    def is_control(self, index: int, /) -> bool: ...
    def is_unknown(self, index: int, /) -> bool: ...
    def is_unused(self, index: int, /) -> bool: ...
    def decode(self, ids: list[int], /) -> str: ...


@dataclass(frozen=True, slots=True)
class Tags:
    """Ids of a vocabulary by what they mean.

    languages: code or "nospeech" -> id. emotions: id -> `Emotion` value or "unknown". events: id -> label, None for
    speech. event_ends: id of a closing form -> label. silent: every id that is no text. names: id -> piece.
    """

    languages: Mapping[str, int]
    emotions: Mapping[int, str]
    events: Mapping[int, EventLabel | None]
    event_ends: Mapping[int, EventLabel]
    itn: Mapping[str, int]
    silent: frozenset[int]
    names: Mapping[int, str]


def find_tags(pieces: Pieces, source: str) -> Tags:
    """Look the tags up; raises `ModelError` naming `source` where a class of them is not there at all."""
    names: dict[int, str] = {}
    ids: dict[str, int] = {}
    silent: set[int] = set()
    for index in range(pieces.get_piece_size()):
        found = _TAG.fullmatch(piece := pieces.id_to_piece(index))
        if found:
            names[index] = piece
            ids[found[1]] = index
        if found or pieces.is_control(index) or pieces.is_unknown(index) or pieces.is_unused(index):
            silent.add(index)
    tags = Tags(
        languages={code: ids[code] for code in (*LANGUAGES, NO_SPEECH) if code in ids},
        emotions={ids[tag]: name for tag, name in EMOTIONS.items() if tag in ids},
        events={ids[tag]: label for tag, label in EVENTS.items() if tag in ids},
        event_ends={ids[f"/{tag}"]: label for tag, label in EVENTS.items() if label and f"/{tag}" in ids},
        itn={tag: ids[tag] for tag in ITN if tag in ids},
        silent=frozenset(silent),
        names=names,
    )
    _complete(tags, source)
    return tags


def _complete(tags: Tags, source: str) -> None:
    classes: tuple[tuple[str, Mapping[str, int] | Mapping[int, object], Sequence[str]], ...] = (
        ("language", {code: index for code, index in tags.languages.items() if code != NO_SPEECH}, LANGUAGES),
        ("emotion", {index: name for index, name in tags.emotions.items() if name != UNKNOWN}, tuple(EMOTIONS)),
        ("event", tags.events, tuple(EVENTS)),
        ("text normalisation", tags.itn, ITN),
    )
    for kind, found, wanted in classes:
        if not found:
            raise ModelError(f"{source} has no {kind} tag, such as <|{wanted[0]}|>: it is no SenseVoice tokenizer")
