"""The readings of a sentence's words that depend on their neighbours, set after the dictionary's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tingshuo_sambert_hifigan.frontend.particles import text_at
from tingshuo_sambert_hifigan.frontend.polyphones import AGAIN, NUMERAL, RULES, occasion
from tingshuo_sambert_hifigan.frontend.readings import patterns
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
        if word.text[-1] == "调" and text_at(words, at + 1) == "一下":
            word.syllables[-1] = "tiao2"
        _resolve_counted(words, at)
        _resolve_many(words, at)
        _resolve_end(word)
        resolve_surname(words, at)
    _resolve_around(words)


def _resolve_around(words: Sequence[Word]) -> None:
    """Readings that the characters around call for, however the words were cut."""
    rules = patterns("around.txt")
    text = "".join(word.text if word.han else "，" * len(word.text) for word in words)
    start = 0
    for word in words:
        if word.han and not word.fixed and len(word.syllables) == len(word.text):
            for at, char in enumerate(word.text):
                for reading, pattern in rules.get(char, ()):
                    if pattern.match(text, start + at):
                        word.syllables[at] = reading
                        break
        start += len(word.text)


#: Measure words whose reading as one differs: 两只, 一行.
_ELEMENTS = ("缺", "属", "八", "相", "山", "学", "之", "生")
_COUNTERS = {"只": "zhi1", "行": "hang2", "重": "chong2", "种": "zhong3", "长": "chang2"}
_COUNTING = frozenset("第零一二两三四五六七八九十百千万亿几数多余半")


def _resolve_counted(words: Sequence[Word], at: int) -> None:
    """A numeral and its measure word in one: 两只, 这种, 一行 (but 一行人)."""
    word = words[at]
    if len(word.text) == 2 and word.text[1] in _COUNTERS and NUMERAL.search(word.text[0]):
        if word.text == "五行" and text_at(words, at + 1)[:1] in _ELEMENTS:
            word.syllables[1] = "xing2"
            return
        after_person = at > 0 and (words[at - 1].tag in ("nr", "nrt") or words[at - 1].text.endswith("们"))
        party = word.text == "一行" and (after_person or text_at(words, at + 1).startswith(("人", "数")))
        if not party and word.text not in ("几重", "这行", "各种", "万种"):
            word.syllables[1] = _COUNTERS[word.text[1]]


def _resolve_many(words: Sequence[Word], at: int) -> None:
    """A longer numeral and its measure word in one: 第三行, 数千只; 场 behind any numeral: 一场雨, 这场比赛."""
    word = words[at]
    numeral, measure = word.text[:-1], word.text[-1]
    if len(word.syllables) != len(word.text) or not numeral:
        return
    if measure == "场" and NUMERAL.search(numeral[-1]):
        word.syllables[-1] = occasion(words, at, numeral)
    elif len(numeral) > 1 and measure in _COUNTERS and set(numeral) <= _COUNTING:
        word.syllables[-1] = _COUNTERS[measure]


def _gained(word: str) -> bool:
    """Whether 得 at the end of a word is a verb: 获得, 罪有应得; not in 舍不得."""
    return word in _DE2 or (word[-2:] in _DE2 and word[-2] not in "不只")


def _resolve_end(word: Word) -> None:
    if len(word.text) < 2 or len(word.syllables) != len(word.text):
        return
    if _AGAIN_WORD.fullmatch(word.text):
        word.syllables[0] = "chong2"
    if len(word.text) == 3 and word.text[1:] in ("得了", "不了") and word.text[0] != "不":
        word.syllables[1:] = ["de5" if word.text[1] == "得" else "bu4", "liao3"]
    if word.text[-1] == "得" and not _gained(word.text) and word.syllables[-1] == "de2":
        word.syllables[-1] = "de5"
    if len(word.text) == 3 and word.text[1] == "得" and word.syllables[1] == "de2" and word.text[0] not in "不心":
        word.syllables[1] = "de5"
    if word.text[-1] == "地" and len(word.text) > 2 and word.tag[:1] in ("d", "z", ""):
        word.syllables[-1] = "de5"
    if (
        word.text[-1] in "上里"
        and word.tag in ("s", "f", "n", "")
        and word.text not in ("以上", "之上", "马上", "向上", "北上", "公里")
    ):
        word.syllables[-1] = word.syllables[-1][:-1] + "5"
