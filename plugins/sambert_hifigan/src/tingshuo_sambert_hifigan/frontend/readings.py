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

#: The reading of a character alone, where pypinyin's first one is not the commonest in running text.
SINGLE = {
    "啊": "a5", "呢": "ne5", "吧": "ba5", "吗": "ma5", "嘛": "ma5", "呀": "ya5", "啦": "la5", "哇": "wa5", "哟": "yo5",
    "喽": "lou5", "嘞": "lei5", "嗯": "en4", "哦": "o4", "噢": "o1", "喔": "o1", "呃": "e4", "谁": "shei2", "那": "na4",
    "得": "de5", "着": "zhe5", "了": "le5", "的": "de5", "地": "di4", "过": "guo4", "还": "hai2", "都": "dou1",
    "只": "zhi3", "为": "wei4", "长": "chang2", "重": "zhong4", "行": "xing2", "好": "hao3", "和": "he2", "血": "xue4",
    "嘿": "hei1", "大": "da4", "教": "jiao1", "种": "zhong3", "数": "shu4", "看": "kan4", "倒": "dao4", "难": "nan2",
    "处": "chu4", "转": "zhuan3", "空": "kong1", "落": "luo4", "舍": "she3", "石": "shi2", "色": "se4", "什": "shen2",
    "么": "me5", "们": "men5", "子": "zi3", "头": "tou2", "上": "shang4", "下": "xia4", "中": "zhong1", "一": "yi1",
    "不": "bu4", "两": "liang3", "熟": "shu2", "削": "xiao1", "剥": "bo1", "薄": "bao2", "露": "lu4", "嚼": "jiao2",
    "差": "cha4", "给": "gei3", "没": "mei2", "打": "da3", "干": "gan4", "吓": "xia4", "扎": "zha1", "塞": "sai1",
    "撒": "sa3", "涨": "zhang3", "喂": "wei4", "俩": "lia3", "仨": "sa1", "哪": "na3", "哎": "ai1", "唉": "ai1",
    "诶": "ei4", "呦": "you1", "咯": "lo5", "佛": "fo2", "幺": "yao1", "〇": "ling2", "零": "ling2", "便": "bian4",
    "卡": "ka3", "吐": "tu3", "呵": "he1", "哈": "ha1", "沓": "da2", "挣": "zheng4", "称": "cheng1", "钉": "ding1",
    "铺": "pu4", "间": "jian1", "似": "si4", "调": "diao4", "钻": "zuan1", "弹": "tan2", "盛": "sheng4", "缝": "feng4",
    "盖": "gai4", "尽": "jin4", "磨": "mo2", "担": "dan1", "折": "zhe2", "系": "xi4", "朝": "chao2", "更": "geng4",
    "背": "bei4", "当": "dang1", "传": "chuan2", "待": "dai1", "应": "ying1", "横": "heng2", "强": "qiang2",
    "参": "can1", "泊": "bo2", "宿": "su4", "模": "mo2", "拗": "niu4", "粘": "zhan1", "呆": "dai1", "藏": "cang2",
    "切": "qie1", "场": "chang3", "率": "lv4", "咽": "yan4", "晕": "yun1", "相": "xiang1", "兴": "xing4", "要": "yao4",
}  # fmt: skip
_ALONE_ONLY = frozenset("得长教削嚼撒挣似弹尽待泊拗兴切")
_REDUPLICATED = frozenset(
    "看想试说走听坐等谢问写读唱跳学练玩笑动吃喝尝闻摸找查算洗擦扫抱拍敲推拉逛聊谈讲讨猜瞧瞅歇躺睡醒帮劝管让用改换"
    "修翻背念议"
    "爸妈爷奶姑舅叔伯婶哥姐弟妹公婆宝娃星猩太姥饽蝈蛐乖"
)
#: After these 子 is a word of its own, zi3: 男子, 电子, 瓜子.
_BEFORE_ZI3 = frozenset(
    "男女父母王公才君童游浪赤太天学长次独养臣逆孝亲骄幼诸孔老孟庄朱荀墨韩曾孙夫原电分粒质中量离因核光精卵孢莲瓜棋"
    "虾鱼松菜西"
    "甲乙丙丁戊己庚辛壬癸氢胶介玄算内外弃世义"
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
def _inside() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    rules: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for line in _data("inside.txt"):
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
    if char in SINGLE and not (inside and char in _ALONE_ONLY):
        return SINGLE[char]
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
    for reading, pattern in _inside().get(char, ()):
        if pattern.match(word, at):
            return reading
    return of_character(char, inside=True)
