"""The readings of a sentence's words that depend on their neighbours, set after the dictionary's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tingshuo_sambert_hifigan.frontend.particles import text_at
from tingshuo_sambert_hifigan.frontend.polyphones import AGAIN, NUMERAL, RULES
from tingshuo_sambert_hifigan.frontend.surnames import resolve_surname
from tingshuo_sambert_hifigan.frontend.words import Word

#: Words in 得 that are not a verb with its particle.
_DE2 = frozenset(
    "获得 取得 赢得 难得 心得 所得 求得 夺得 博得 不得 只得 应得 自得 贪得 独得 分得 得得 "
    "了得 相得 既得 购得 摘得 喜得 巧得 抢得".split()
)
_AGAIN_WORD = re.compile("重[" + "".join(AGAIN) + "]")


def resolve(words: Sequence[Word]) -> None:
    """Set the readings of a sentence's words that depend on their neighbours, in place."""
    for at, word in enumerate(words):
        if word.fixed or not word.han or not word.syllables:
            continue
        rule = RULES.get(word.text)
        reading = rule(words, at) if rule else None
        if reading:
            word.syllables = [reading]
        _resolve_counted(words, at)
        _resolve_end(word)
        resolve_surname(words, at)


#: Measure words whose reading as one differs: 两只, 一行.
_COUNTERS = {"只": "zhi1", "行": "hang2", "重": "chong2", "种": "zhong3", "长": "chang2"}


def _resolve_counted(words: Sequence[Word], at: int) -> None:
    """A numeral and its measure word in one: 两只, 这种, 一行 (but 一行人)."""
    word = words[at]
    if len(word.text) == 2 and word.text[1] in _COUNTERS and NUMERAL.search(word.text[0]):
        party = word.text == "一行" and text_at(words, at + 1).startswith(("人", "数"))
        if not party and word.text not in ("几重", "这行", "各种", "万种"):
            word.syllables[1] = _COUNTERS[word.text[1]]


def _resolve_end(word: Word) -> None:
    if len(word.text) < 2 or len(word.syllables) != len(word.text):
        return
    if _AGAIN_WORD.fullmatch(word.text):
        word.syllables[0] = "chong2"
    if word.text[-1] == "得" and word.text not in _DE2 and word.syllables[-1] == "de2":
        word.syllables[-1] = "de5"
    if len(word.text) == 3 and word.text[1] == "得" and word.syllables[1] == "de2" and word.text[0] not in "不心":
        word.syllables[1] = "de5"
    if word.text[-1] == "地" and len(word.text) > 2 and word.tag[:1] in ("d", "z", ""):
        word.syllables[-1] = "de5"
    if (
        word.text[-1] in "上里"
        and word.tag in ("s", "f", "n", "")
        and word.text not in ("以上", "之上", "马上", "向上", "公里")
    ):
        word.syllables[-1] = word.syllables[-1][:-1] + "5"
