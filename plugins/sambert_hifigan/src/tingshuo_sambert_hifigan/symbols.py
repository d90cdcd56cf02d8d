"""Symbol lines and ids: what a voice's embeddings take.

A line is `{phone$tone$syllable_flag$word_segment$emotion$speaker} {…} …`, or `index<TAB>` and that; voices of the byte
variant take `{byte$emotion$speaker}`. Source: KAN-TTS 66202d0 (MIT), kantts/utils/ling_unit/ling_unit.py. Upstream
drops an unknown phone without a word and then fails on the lengths; here every token is checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tingshuo import InvalidRequest
from tingshuo_sambert_hifigan.tables import BREAKS, EMOTIONS, END, MASK, PAD, SYLLABLE_FLAGS, WORD_SEGMENTS

#: Names of the features in `linguistic_unit.lfeat_type_list`.
FEATURES: Final = ("sy", "tone", "syllable_flag", "word_segment", "emo_category", "speaker_category")
BYTE_FEATURES: Final = ("byte_index", "emo_category", "speaker_category")
BYTES = tuple(str(byte) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The features of a symbol in their order, each with its symbols in the order of their ids."""

    features: Mapping[str, Sequence[str]]

    def rows(self, feature: str) -> int:
        """Rows of the feature's embedding in a voice with the mask symbol; one less in a voice without."""
        return len(self.features[feature]) + len((PAD, END, MASK))

    def encode(self, line: str) -> npt.NDArray[np.int32]:
        """Ids [F, N + 1], the closing `~` among them; raises `InvalidRequest` naming token and value."""
        tokens = [token for token in line.rpartition("\t")[2].strip().split(" ") if token]
        if not tokens:
            raise InvalidRequest("the symbol line is empty; at least one symbol is needed", param="input")
        columns = [self._ids(token, place) for place, token in enumerate(tokens, 1)]
        columns.append([len(symbols) + 1 for symbols in self.features.values()])
        return np.array(columns, np.int32).T.copy()

    def _ids(self, token: str, place: int) -> list[int]:
        if not (token.startswith("{") and token.endswith("}")):
            raise InvalidRequest(f"symbol {place} is {token[:80]!r}; it must stand in braces", param="input")
        values = token[1:-1].split("$")
        if len(values) != len(self.features):
            wanted = "$".join(self.features)
            raise InvalidRequest(
                f"symbol {place} {token[:80]!r} has {len(values)} parts; it must be {wanted}", param="input"
            )
        return [
            self._id(feature, symbols, value, place)
            for (feature, symbols), value in zip(self.features.items(), values, strict=True)
        ]

    def _id(self, feature: str, symbols: Sequence[str], value: str, place: int) -> int:
        try:
            return symbols.index(value)
        except ValueError:
            near = difflib.get_close_matches(value, symbols, n=3)
            hint = f"; near it: {', '.join(near)}" if near else ""
            raise InvalidRequest(
                f"symbol {place}: this voice has no {feature} {value[:40]!r}{hint}", param="input"
            ) from None

    def is_break(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """[N] True where `ids` [F, N] is a prosodic break."""
        symbols = self.features.get("sy")
        if symbols is None:
            return np.zeros(ids.shape[1], np.bool_)
        return np.isin(ids[0], [symbols.index(symbol) for symbol in BREAKS if symbol in symbols])


def alphabet(phones: Sequence[str], tones: Sequence[str], speakers: Sequence[str]) -> Alphabet:
    """The alphabet of a language's phones (breaks are added) and tones, and of a voice's speakers."""
    tables = ((*phones, *BREAKS), tones, SYLLABLE_FLAGS, WORD_SEGMENTS, EMOTIONS, speakers)
    return Alphabet(dict(zip(FEATURES, tables, strict=True)))


def byte_alphabet(speakers: Sequence[str]) -> Alphabet:
    """The alphabet of a voice that reads UTF-8 bytes."""
    return Alphabet(dict(zip(BYTE_FEATURES, (BYTES, EMOTIONS, speakers), strict=True)))
