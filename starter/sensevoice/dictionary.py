# SPDX-License-Identifier: Apache-2.0
"""Sentences by Chinese word order from jieba's frequency dictionary (MIT licence), for words that no template has."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate
from pathlib import Path
from random import Random

import jieba

HANZI = re.compile(r"[\u4e00-\u9fff]+")
KINDS = {
    "n": 5500,
    "v": 4200,
    "a": 900,
    "d": 400,
    "t": 200,
    "ns": 250,
    "vn": 700,
    "i": 1200,
    "l": 800,
    "nr": 300,
    "s": 120,
    "z": 150,
}
FLATTEN = 0.65  # draws a word by frequency ** FLATTEN: rarer words come often enough to be learned
PRONOUNS = """
我 你 他 她 我们 你们 他们 她们 大家 咱们 您 自己 别人 有人 老师 孩子 妈妈 爸爸 朋友 同学 同事 老人 医生 客人
邻居 弟弟 姐姐
""".split()
ADVERBS = """
不 没 没有 都 也 很少 经常 已经 正在 刚刚 又 再 还 一定 可能 从来不 马上 总是 常常 一直 终于 突然 偶尔 当然
其实 好像 大概 千万别 最好
""".split()
MODALS = "要 想 会 能 可以 应该 必须 打算 喜欢 愿意 希望 开始 准备 需要 敢 得 肯 决定 继续 忘了 同意 害怕 学会".split()
MEASURES = """
一个 两个 三个 几个 这个 那个 每个 一些 一种 这种 那种 这些 那些 一件 一条 一张 一本 一位 一家 一台 一辆 一座
一段 一份 一次 这样的 很多 许多 不少 所有的 什么 哪个 他的 我的 你们的
""".split()
DEGREES = "很 非常 太 特别 真 有点 比较 最 更 越来越 不太 挺 十分 这么 那么 相当".split()
LINKS = "在 从 到 跟 和 对 给 为 把 比 被 向 用 关于 除了 为了 按照 通过".split()
TIMES = """
今天 明天 昨天 现在 以前 以后 后来 最近 刚才 晚上 早上 下午 每天 去年 明年 周末 那时候 小时候 将来 有时候
上个月 这几天
""".split()
ENDS = "。 。 。 。 。 。 ！ ？ 了。 了。 吗？ 呢？ 吧。 的。 啊！".split()
PATTERNS = """
T，P D V M N E|P M V 了 M N。|P L N V N E|T P 在 S V N E|N N 和 N 都 G A 。|M A 的 N G A E|P D V A 的 N E
N 的 N V 了 N。|P G A，D V N E|M N 是 P V 的。|P 是 M N E|P V V N E|P O V N，因为 N G A 。
虽然 N G A，但是 P 还是 V 了。|如果 P V N，就 O V N。|P 觉得 M N G A。|P 说 N V 得 G A。|T 的 N 比 T 的 N A。
P I，P D V。|K 的 N G A，T P O 去 V N。|R 和 R T 去 K V N。|N、N 和 N。|这 是 M A 的 N。|P 把 N V 了。
N 被 P V 了。|W，P V 了 M N。|P 对 N 的 N G A。|请 V M N。|不 要 V N。|P Z 地 V 着 N。|N 里 有 M N。
P 为什么 V N？|怎么 V N？|M N 在 S。|T P V 完 N 就 V N。|P 一边 V 一边 V。|P D O V N E|P L P V N E
X V N，V N。|N X G A。|P V 到 N。
""".replace("\n", "|")
#: Letters of the patterns: parts of speech of the dictionary, and the lists above. T is a time, others are themselves.
DRAWN = {"N": "n", "V": "v", "A": "a", "K": "ns", "X": "vn", "I": "i", "W": "l", "R": "nr", "S": "s", "Z": "z"}
LISTED = {"P": PRONOUNS, "D": ADVERBS, "O": MODALS, "M": MEASURES, "G": DEGREES, "L": LINKS, "E": ENDS}


class Dictionary:
    """jieba's everyday words by part of speech, and sentences assembled from them."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {}
        self.cumulative: dict[str, list[float]] = {}
        self.frequency: Counter[str] = Counter()
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for line in (Path(jieba.__file__).parent / "dict.txt").read_text("utf-8").splitlines():
            word, count, kind = line.split()
            if HANZI.fullmatch(word) and len(word) <= 4:
                found[kind].append((int(count), word))
                self.frequency.update({letter: int(count) for letter in word})
        for kind, most in KINDS.items():
            best = sorted(found[kind], reverse=True)[:most]
            self.words[kind] = [word for _, word in best]
            self.cumulative[kind] = list(accumulate(count**FLATTEN for count, _ in best))
        self.patterns = [pattern.replace(" ", "") for pattern in PATTERNS.split("|") if pattern.strip()]

    def word(self, kind: str, rng: Random) -> str:
        """A word of that part of speech."""
        at = bisect_left(self.cumulative[kind], rng.random() * self.cumulative[kind][-1])
        return self.words[kind][at]

    def draw(self, rng: Random) -> str:
        """One sentence: words in the order of a pattern, grammatical more or less, sense not promised."""
        return "".join(self._part(letter, rng) for letter in rng.choice(self.patterns))

    def _part(self, letter: str, rng: Random) -> str:
        if letter in DRAWN:
            return self.word(DRAWN[letter], rng)
        if letter in LISTED:
            return rng.choice(LISTED[letter])
        if letter == "T":
            return rng.choice(TIMES) if rng.random() < 0.6 else self.word("t", rng)
        return letter

    def commonest_characters(self, count: int) -> list[str]:
        """The characters that occur most in the dictionary's words."""
        return [letter for letter, _ in self.frequency.most_common(count)]
