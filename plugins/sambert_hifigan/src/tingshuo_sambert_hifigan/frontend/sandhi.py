"""Tones as they are spoken: 一, 不, runs of third tones, neutral syllables in verb patterns.

The third-tone rule works outward from the smallest part of a word (展览|馆 2-2-3, 小|老虎 3-2-3), then over the
words that one prosodic word joins; it does not reach over a prosodic boundary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tingshuo_sambert_hifigan.frontend.words import Word

_DIGIT = "零一二三四五六七八九幺"
#: 一 counts in order, or names a digit, before these: it keeps its tone.
_ORDINAL_HEADS = ("月", "号", "等奖", "年级", "把手", "中学", "楼", "级", "期", "审", "线城", "班", "路公交", "一")
#: Words in which 一 keeps its tone although a syllable follows.
_ORDINAL_WORDS = re.compile(
    r"第一|一月|一号|星期一|周一|礼拜一|初一|高一|大一|一等|一级|一把手|一审|一楼|一线城|一一|十一|一年级|五一"
)
#: Nothing to do with V不C: 不 in the middle is stressed.
_FULL_BU = frozenset("要不要 无不是 从不会 决不能 绝不会 并不是 毫不在 岂不是 何不去 莫不是 可不是 能不能".split()) - {
    "要不要",
    "能不能",
}
#: What turns a verb into V不C; a neutral 不.
_COMPLEMENTS = "起过来去了着到住开动上下出完见懂清好得成掉及定倒齐透尽穷惯多对够通进回着断准紧如"

Cut = Callable[[str], list[str]]


def apply(words: Sequence[Word], cut: Cut) -> None:
    """Sandhi of 一 and 不 over a sentence, then third tones within each word, in place."""
    spoken = [word for word in words if word.spoken]
    for index, word in enumerate(spoken):
        if not word.fixed and word.han:
            _yi_and_bu(spoken, index)
    for word in words:
        if not word.fixed and len(word.syllables) > 1:
            _third_tones(word, cut)


def _neighbours(words: Sequence[Word], at: int) -> tuple[str, str]:
    before = words[at - 1].text if at and words[at - 1].han else ""
    after = words[at + 1].text if at + 1 < len(words) and words[at + 1].han else ""
    return before, after


def _yi_and_bu(words: Sequence[Word], index: int) -> None:
    word = words[index]
    if len(word.text) != len(word.syllables):
        return
    before, after = _neighbours(words, index)
    following = words[index + 1].tone if after else 0
    verb = bool(before) and words[index - 1].tag[:1] == "v"
    for at in range(len(word.text) - 1, -1, -1):
        tone = int(word.syllables[at + 1][-1]) if at + 1 < len(word.text) else following
        left = word.text[at - 1] if at else before[-1:]
        right = word.text[at + 1] if at + 1 < len(word.text) else after[:1]
        if word.text[at] == "一" and word.syllables[at] == "yi1":
            word.syllables[at] = _yi(word, at, left, right, tone, after)
        elif word.text[at] == "不" and word.syllables[at] == "bu4":
            word.syllables[at] = _bu(word, at, left, right, tone, verb)


def _yi(word: Word, at: int, left: str, right: str, tone: int, after: str) -> str:
    """一: yi2 before the fourth tone, yi4 before others, yi5 in 看一看; as an ordinal or a digit yi1."""
    rest = word.text[at + 1 :] + after
    last = at == len(word.text) - 1 and at > 0
    if not tone or last or left in ("第", "十", "零", "初", "月") or (left in _DIGIT and left):
        return "yi1"
    if right and right in _DIGIT + "十":
        return "yi1"
    if right == "比" and rest[1:2] and rest[1] in _DIGIT:
        return "yi1"
    if right == "点" and rest[1:2] and rest[1] in _DIGIT and rest[2:3] not in ("十", "分"):
        return "yi1"
    if left and left == right and left not in "一" and (rest[1:2] or "。") not in _DIGIT + "不":  # 数一数二 counts
        return "yi5"
    if rest.startswith(("不二", "数二", "数到", "到十", "是一，")) and left in ("说", "数", "从"):
        return "yi1"
    if left == "比" and right not in "个天年百千万亿" and after:
        return "yi1"
    if rest.startswith(_ORDINAL_HEADS) and not rest.startswith(("级一", "班人", "号人")):
        return "yi1"
    return "yi2" if tone in (4, 5) and not (tone == 5 and right != "个") else "yi4"


def _bu(word: Word, at: int, left: str, right: str, tone: int, verb: bool) -> str:
    """不: neutral in 去不去 and 对不起, bu2 before the fourth tone."""
    if left and left == right and not word.text.startswith("不得"):  # 热得不得了 asks nothing
        return "bu5"
    if word.text == "不了" and verb:
        return "bu5"
    inside = len(word.text) == 3 and at == 1 and word.text not in _FULL_BU
    if inside and right in _COMPLEMENTS and left not in "从并决绝毫岂何莫可无而":
        return "bu5"
    return "bu2" if tone == 4 else "bu4"


def _third_tones(word: Word, cut: Cut) -> None:
    tones = [syllable[-1] for syllable in word.syllables]
    if "33" not in "".join(tones):
        return
    parts = _parts(word, cut)
    start = 0
    for size in parts:
        _chain(word.syllables, start, start + size)
        start += size
    boundary = 0
    for size in parts[:-1]:
        boundary += size
        _raise(word.syllables, boundary - 1)


def _parts(word: Word, cut: Cut) -> list[int]:
    """Sizes of the parts of a word: pairs for four characters, else as the dictionary cuts it."""
    length = len(word.syllables)
    if length <= 2 or len(word.text) != length:
        return [length]
    if length == 4:
        return [2, 2]
    sizes = [len(part) for part in cut(word.text)]
    return sizes if sum(sizes) == length and len(sizes) > 1 else [2] * (length // 2) + [1] * (length % 2)


def _chain(syllables: list[str], start: int, end: int) -> None:
    for at in range(start, end - 1):
        if syllables[at][-1] == "3" and syllables[at + 1][-1] == "3":
            syllables[at] = syllables[at][:-1] + "2"


def _raise(syllables: list[str], at: int) -> None:
    if syllables[at][-1] == "3" and syllables[at + 1][-1] == "3":
        syllables[at] = syllables[at][:-1] + "2"


def join(words: Sequence[Word]) -> None:
    """Third tones over the words that one prosodic word joins, from the right, in place."""
    for left, right in zip(words[-2::-1], words[:0:-1], strict=True):
        if left.fixed or not left.syllables or not right.syllables:
            continue
        if left.syllables[-1].endswith("3") and right.syllables[0].endswith("3"):
            left.syllables[-1] = left.syllables[-1][:-1] + "2"
