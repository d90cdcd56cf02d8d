"""Hand-checked readings, one row each with the reason; the tables lie beside this file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tingshuo_sambert_hifigan.frontend import FrontEnd
from tingshuo_sambert_hifigan.frontend.normalise import normalise
from tingshuo_sambert_hifigan.frontend.say_as import say_as


def rows(*names: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in names:
        with (Path(__file__).parent / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            found += [tuple(row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]
    return found


PINYIN = rows("polyphones", "sandhi", "erhua", "mixed", "sentences", "dictionary")
NORMALISED = rows("numbers")
SAY_AS = rows("say_as")


@pytest.mark.parametrize(("text", "pinyin", "why"), PINYIN)
def test_text_is_read_with_the_right_syllables_and_tones(front_end: FrontEnd, text: str, pinyin: str, why: str) -> None:
    assert front_end.stages(text)["pinyin"] == pinyin, why


@pytest.mark.parametrize(("text", "words", "why"), NORMALISED)
def test_text_is_normalised_to_what_a_person_would_say(text: str, words: str, why: str) -> None:
    assert normalise(text) == words, why


@pytest.mark.parametrize(("kind", "text", "words", "why"), SAY_AS)
def test_say_as_reads_text_as_its_kind(kind: str, text: str, words: str, why: str) -> None:
    assert "".join(piece.text for piece in say_as(kind, text)) == words, why


def test_every_row_gives_its_reason_and_no_text_stands_twice() -> None:
    for table in (PINYIN, NORMALISED, SAY_AS):
        assert all(len(row) == len(table[0]) and row[-1].strip() for row in table)
        assert len({row[:-2] for row in table}) == len(table)
    assert len(PINYIN) + len(NORMALISED) >= 400
