"""Dictionary readings of words: our corrections first, then the phrase dictionary of pypinyin 0.55 (MIT).

Tones are those of the dictionary, before sandhi; 5 is neutral; ü is written v.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

from tingshuo.errors import InvalidRequest
from tingshuo_sambert_hifigan.frontend.phones import split_syllable

_REDUPLICATED = frozenset(
    "看想试说走听坐等谢问写读唱跳学练玩笑动吃喝尝闻摸找查算洗擦扫抱拍敲推拉逛聊谈讲讨猜瞧瞅歇躺睡醒帮劝管让用改换"
    "修翻背念议"
    "爸妈爷奶姑舅叔伯婶哥姐弟妹公婆宝娃星猩太姥饽蝈蛐乖"
)
#: After these 子 is a word of its own, zi3: 男子, 电子, 瓜子.
_BEFORE_ZI3 = frozenset(
    "男女父母王公才君童游浪赤太天学长次独养臣逆孝亲骄幼诸孔老孟庄朱荀墨韩曾孙夫原电分粒质中量离因核光精卵孢莲瓜棋"
    "虾鱼松菜西"
    "甲乙丙丁戊己庚辛壬癸氢胶介玄算内外弃世义之其庶"
)


#: They begin with a word whose ending is neutral, and do not mean it.
_NOT_ITS_WORD = frozenset("大方向 打算盘".split())


def _data(name: str) -> list[str]:
    text = (resources.files("tingshuo_sambert_hifigan.frontend") / "data" / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def _corrections() -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {}
    for word in " ".join(_data("neutral.txt")).split():
        entries[word] = (*_pypinyin(word)[:-1], _neutral(_pypinyin(word)[-1]))
    for line in _data("readings.txt"):
        word, *syllables = line.split()
        entries[word] = tuple(syllables)
    return entries


@lru_cache(maxsize=1)
def _characters() -> dict[str, tuple[str, str]]:
    """Character -> its reading alone and inside a word that no dictionary has."""
    entries = [line.split() for line in _data("characters.txt")]
    return {char: (readings[0], readings[-1]) for char, *readings in entries}


@lru_cache(maxsize=2)
def patterns(name: str) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Character -> readings with the pattern that calls for each, of `inside.txt` or `around.txt`."""
    rules: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for line in _data(name):
        char, reading, pattern = line.split(" ")
        rules.setdefault(char, []).append((reading, re.compile(pattern)))
    return rules


@lru_cache(maxsize=16384)
def _pypinyin(word: str) -> tuple[str, ...]:
    spoken = lazy_pinyin([word], style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False, errors="ignore")
    return tuple(syllable.replace("ü", "v") for syllable in spoken)


def _neutral(syllable: str) -> str:
    return syllable[:-1] + "5"


def known(word: str) -> tuple[str, ...] | None:
    """The reading of a word of two or more characters as one entry; None where no dictionary has it."""
    corrected = _corrections().get(word)
    if corrected:
        return corrected
    if len(word) == 2 and word[0] == word[1] and word[0] in _REDUPLICATED:
        return (of_character(word[0]), _neutral(of_character(word[0])))
    if word in PHRASES_DICT:
        syllables = _pypinyin(word)
        return _before_sandhi(word, syllables) if len(syllables) == len(word) else None
    return None


def _before_sandhi(word: str, syllables: tuple[str, ...]) -> tuple[str, ...]:
    """Dictionary tones: some phrases are listed with the sandhi of 一 and 不, suffixes now and then in full."""
    plain = {"一": "yi1", "不": "bu4"}
    out = [plain.get(char, syllable) for char, syllable in zip(word, syllables, strict=True)]
    ending = _corrections().get(word[-2:], ("",)) if 3 <= len(word) <= 4 else ("",)
    first = _corrections().get(word[:2]) if len(word) == 3 and word not in _NOT_ITS_WORD else None
    if first and first[1][-1] == "5" and first[1][:-1] == out[1][:-1] and word[1:] not in PHRASES_DICT:
        out[1] = first[1]
    if word[-1] in "们么" or (ending[-1].endswith("5") and ending[-1][:-1] == out[-1][:-1]):
        out[-1] = _neutral(out[-1])
    return tuple(out)


@lru_cache(maxsize=32768)
def of_character(char: str, inside: bool = False) -> str:
    """The reading of a character alone, or `inside` a word that no dictionary has.

    pypinyin leaves out words whose characters all have their first reading, so that is the one inside words.
    Raises `InvalidRequest` for a character that no dictionary has.
    """
    if char in _characters():
        return _characters()[char][inside]
    if ord(char) in PINYIN_DICT:
        syllable = _pypinyin(char)[0]
        try:
            split_syllable(syllable)
        except InvalidRequest:
            pass
        else:
            return syllable
    raise InvalidRequest(
        f"{char!r} (U+{ord(char):04X}) has no reading in the dictionaries; give one in the lexicon or with <phoneme>"
    )


def of_word(word: str) -> list[str]:
    """The reading of any word of Chinese characters: the longest known parts from its end, then characters."""
    if len(word) == 1:
        return [of_character(word)]
    syllables = _in_parts(word)
    if len(word) == len(syllables) == 4 and word[0] == word[1] and word[2] == word[3]:
        for at in (0, 2):  # 清清楚楚 in full tones; 爸爸妈妈 are two words
            if word[at : at + 2] not in _corrections():
                full = syllables[at] if syllables[at][-1] != "5" else syllables[at + 1]
                syllables[at : at + 2] = [full, full]
    return syllables


def _in_parts(word: str) -> list[str]:
    syllables: list[str] = []
    end = len(word)
    while end:
        start = next((s for s in range(max(0, end - 8), end - 1) if known(word[s:end])), end - 1)
        part = known(word[start:end]) if end - start > 1 else None
        syllables[:0] = part or (_inner_character(word, start),)
        end = start
    return syllables


def _inner_character(word: str, at: int) -> str:
    """A character that no known part covers; suffixes of longer words are neutral: 老板们, 小桌子."""
    char = word[at]
    if at and char == "子" and word[at + 1 :] == "儿" and word[at - 1] in _BEFORE_ZI3:
        return "zi3"
    if at and at == len(word) - 1:
        if char in "们么":
            return _neutral(of_character(char))
        if char == "子":
            return "zi3" if word[at - 1] in _BEFORE_ZI3 else "zi5"
    for reading, pattern in patterns("inside.txt").get(char, ()):
        if pattern.match(word, at):
            return reading
    return of_character(char, inside=True)
