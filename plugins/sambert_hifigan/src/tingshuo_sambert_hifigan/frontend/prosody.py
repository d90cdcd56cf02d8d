"""Where speech pauses: prosodic words (#1), prosodic phrases (#2), intonation phrases (#3), sentences (#4).

No learned model is shipped: the levels come from punctuation, from the length of words (a prosodic word has two
or three syllables, so function words lean on their neighbours) and of phrases (a breath every seven or so).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tingshuo_sambert_hifigan.frontend.words import Word

LEVELS = {"、": 2, "，": 3, "；": 3, "：": 3, "—": 3, "…": 3, "。": 4, "！": 4, "？": 4, "\n": 4, " ": 2}
#: Lean on the word before them.
_ENCLITIC = frozenset("的 地 得 了 着 过 们 吗 呢 吧 啊 呀 啦 嘛 哇 里 上 中 内 等 似的 一样 之".split())
#: Lean on the word after them whatever stands before.
_PROCLITIC = frozenset(
    "不 没 很 最 太 更 也 都 就 还 再 又 把 被 在 从 向 给 和 与 跟 第 这 那 每 各 该 本 此 真 挺 别 只 刚 "
    "才 已 将 由 于 以".split()
)
_LONGEST = 4
#: Syllables after which a phrase may end, and must.
_PHRASE_MIN, _PHRASE_MAX = 4, 9
_OPENING_TAGS = ("p", "c", "d")


@dataclass(slots=True)
class ProsodicWord:
    """Words spoken without a boundary between them, and the level of the break behind (1 to 4)."""

    words: list[Word] = field(default_factory=list)
    level: int = 1

    @property
    def length(self) -> int:
        """Syllables."""
        return sum(word.length for word in self.words)


def _leans_back(word: Word, group: ProsodicWord | None) -> bool:
    if group is None or not group.words[-1].han or group.length >= _LONGEST + 1:
        return False
    neutral = word.length == 1 and word.tone == 5
    return word.text in _ENCLITIC or neutral


def _leans_forward(words: Sequence[Word], at: int) -> bool:
    """A single syllable joins the next word when both together stay short."""
    word, following = words[at], words[at + 1] if at + 1 < len(words) else None
    if word.length != 1 or following is None or not following.han or following.text in _ENCLITIC:
        return False
    if word.text in _PROCLITIC or word.tag in ("m", "q"):
        return following.length <= _LONGEST - 1
    if following.text in _PROCLITIC and following.length == 1:
        return False
    return following.length <= 2


def group(words: Sequence[Word]) -> Iterator[ProsodicWord]:
    """The prosodic words of a clause (no marks in it)."""
    current: ProsodicWord | None = None
    open_ = False
    for at, word in enumerate(words):
        if current is not None and ((open_ and word.han) or _leans_back(word, current)):
            current.words.append(word)
        else:
            if current is not None:
                yield current
            current = ProsodicWord([word])
        alone = current.length == 1 or (current.length == 2 and word.length == 1 and word.text in _PROCLITIC)
        open_ = alone and word.han and not word.fixed and _leans_forward(words, at)
    if current is not None:
        yield current


def _gather_last(groups: list[ProsodicWord]) -> list[ProsodicWord]:
    """A last single syllable joins a short word before it: 看|书, 弹|琴."""
    out: list[ProsodicWord] = []
    for item in groups:
        before = out[-1] if out else None
        single = item.length == 1 and item.words[0].han and item.words[0].text not in _PROCLITIC
        if (
            before
            and single
            and before.words[-1].han
            and before.length <= 2
            and before.words[-1].tag[:1] in ("v", "m", "q", "p")
        ):
            before.words += item.words
        else:
            out.append(item)
    return out


def _phrases(groups: Sequence[ProsodicWord]) -> None:
    """Set #2 inside a clause: before prepositions, conjunctions and adverbs, after 的, or when breath runs out."""
    total, since, left = sum(item.length for item in groups), 0, 0
    for item, following in pairwise(groups):
        since += item.length
        left = total = total - item.length
        opening = following.words[0].tag[:1] in _OPENING_TAGS
        good = opening or item.words[-1].text == "的" or not (item.words[-1].han and following.words[0].han)
        if (since >= _PHRASE_MIN and good and left >= 3 and since + following.length > 6) or (
            since + following.length > _PHRASE_MAX and left >= 2
        ):
            item.level, since = 2, 0


def clause(words: Sequence[Word]) -> list[ProsodicWord]:
    """The prosodic words of a clause with their breaks; the last one keeps level 1 for the mark to set."""
    groups = _gather_last(list(group(words)))
    _phrases(groups)
    return groups


def sentence(words: Sequence[Word]) -> list[ProsodicWord]:
    """The prosodic words of a sentence, marks included, with their breaks; the last break is #4."""
    out: list[ProsodicWord] = []
    pending: list[Word] = []
    for word in [*words, Word("。", mark="。")]:
        if word.spoken:
            pending.append(word)
            continue
        if word.mark == " " and (not pending or not pending[-1].han):
            continue
        if pending:
            out += clause(pending)
            pending = []
        if out:
            out[-1].level = max(out[-1].level, LEVELS.get(word.mark, 1))
    if out:
        out[-1].level = 4
    return out
