"""How close a transcript is to the text that was spoken: CER, WER, syllable error rate, emotion confusion.

A rate over many items is total edits / total reference length, never a mean of rates. `language` is a code such as
"zh", "yue", "en-US"; with "auto" a text with Chinese characters counts as Chinese and any other as English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jiwer
import pypinyin

from tingshuo.numerals import spell_en, spell_zh
from tingshuo.types import UNKNOWN, Emotion

CHINESE = frozenset({"zh", "cmn", "yue"})
#: Written without spaces between words: there is no word error rate.
UNSPACED = CHINESE | {"ja", "th", "lo", "km", "my"}
MANDARIN = frozenset({"zh", "cmn"})

#: Column of the confusion matrix for an utterance that could not be spoken or recognised at all.
FAILED = "failed"

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
#: Spoken variants of one numeral; recognisers that write digits cannot keep them apart.
_ZH_VARIANTS = str.maketrans({"两": "二", "〇": "零", "幺": "一"})


@dataclass(frozen=True, slots=True)
class Edits:
    """What turns the reference into the hypothesis, counted in tokens, and the reference's `length`."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Edits per reference token; 0 for nothing from nothing, 1 for something from nothing."""
        return self.errors / self.length if self.length else float(self.errors > 0)

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )


def total(edits: Iterable[Edits]) -> Edits:
    """The edits of a corpus; its `rate` is the corpus's error rate."""
    return sum(edits, Edits())


def base_language(language: str, text: str) -> str:
    """The language without region, lower case; told from the text for "auto"."""
    base = language.lower().replace("_", "-").partition("-")[0]
    if base not in ("", "auto"):
        return base
    return "zh" if _HAN.search(text) else "en"


def normalize(text: str, language: str) -> str:
    """The text as it is compared: NFKC, lower case, numbers spelled, no punctuation.

    Chinese and other unspaced scripts lose all white space, English keeps single spaces. 两/二, 〇/零 and 幺/一 are
    one. Traditional characters stay as they are.
    """
    base = base_language(language, text)
    text = unicodedata.normalize("NFKC", text).lower()
    if base in CHINESE:
        text = spell_zh(text.replace("°c", "摄氏度")).translate(_ZH_VARIANTS)
    elif base == "en":
        text = spell_en(text)
    # An apostrophe joins (don't -> dont), every other sign parts (well-known -> well known).
    text = text.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    words = "".join(char if _is_spoken(char) else " " for char in text).split()
    return ("" if base in UNSPACED else " ").join(words)


def _is_spoken(char: str) -> bool:
    """Letters, digits and the marks that combine with them."""
    return unicodedata.category(char)[0] in "LNM"


def cer(reference: str, hypothesis: str, language: str) -> Edits:
    """Edits between the characters of both texts, normalised, spaces not counted."""
    language = base_language(language, reference)
    return edits(*(list(normalize(text, language).replace(" ", "")) for text in (reference, hypothesis)))


def wer(reference: str, hypothesis: str, language: str) -> Edits | None:
    """Edits between the words of both texts, normalised; None for a language written without spaces."""
    language = base_language(language, reference)
    if language in UNSPACED:
        return None
    return edits(*(normalize(text, language).split() for text in (reference, hypothesis)))


def syllables(text: str) -> list[str]:
    """The toneless pinyin of each Chinese character; every other character stands for itself."""
    # pypinyin's stubs know only of a str from `errors`; a list is what keeps the characters apart.
    single: Any = list
    spelled = pypinyin.lazy_pinyin(normalize(text, "zh"), style=pypinyin.Style.NORMAL, errors=single)
    return [syllable for syllable in spelled if syllable.strip()]


def syllable_error_rate(reference: str, hypothesis: str, language: str = "zh") -> Edits | None:
    """Edits between the toneless syllables of both texts; None where the language is not Mandarin.

    What a small recogniser writes with the wrong homophone is right here: 诗和远方 = 师和远方.
    """
    if base_language(language, reference) not in MANDARIN:
        return None
    return edits(syllables(reference), syllables(hypothesis))


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """Edits between two sequences of tokens, none of which holds a space."""
    if not reference or not hypothesis:
        return Edits(deletions=len(reference), insertions=len(hypothesis), length=len(reference))
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return Edits(found.substitutions, found.deletions, found.insertions, len(reference))


def confusion(pairs: Iterable[tuple[Emotion, Emotion | str | None]]) -> dict[str, dict[str, int]]:
    """Expected emotion -> heard emotion -> how often. Every row has the same columns, `unknown` among them."""
    counted = [(str(expected), str(heard or UNKNOWN)) for expected, heard in pairs]
    columns = [*Emotion, UNKNOWN, *([FAILED] if any(heard == FAILED for _, heard in counted) else [])]
    rows = [emotion for emotion in Emotion if any(expected == emotion for expected, _ in counted)]
    return {str(row): {str(column): counted.count((str(row), str(column))) for column in columns} for row in rows}


def accuracy(matrix: Mapping[str, Mapping[str, int]]) -> float | None:
    """Share of the utterances heard as the emotion they were spoken with; None for an empty matrix."""
    count = sum(sum(row.values()) for row in matrix.values())
    return sum(row.get(expected, 0) for expected, row in matrix.items()) / count if count else None
