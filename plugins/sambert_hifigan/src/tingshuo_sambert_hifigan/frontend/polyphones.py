"""Characters with several readings, decided by the words around them.

The dictionary has decided inside words (readings.py); here are the characters that stand alone after
segmentation, or end a word, and the few words whose reading depends on the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tingshuo_sambert_hifigan.frontend.particles import (
    Rule,
    interjection,
    particle_de,
    particle_di,
    particle_guo,
    suffix,
    tag_at,
    taxi,
    text_at,
    verb_liao,
)
from tingshuo_sambert_hifigan.frontend.words import Word

_VERBAL = ("v", "a", "z", "i", "l")
NUMERAL = re.compile(r"[零一二两三四五六七八九十百千万亿几多半数每这那哪某整各]$|^(?:多少|好几|任何|一)$")
_OWED = tuple("钱 书 债 款 账 贷款 房贷 给 清 我 你 他 她 人情 信用卡 花呗 礼 东西 回来 车贷".split())
_GROWS = tuple("得 了 大 高 出 成 满 胖 着 在 进 草 毛 牙 叶子 痘 个子 肉 什么样".split())
AGAIN = tuple("说 录 做 写 装 建 启 播 考 来 走 看 读 拍 选 买 画 算 排 放 学 连".split())

#: What stands, and falls.
_STANDING = tuple("房子 墙 树 楼 塔 桥 屋 房屋 杆 架子 柱子 牌子 棚子 庙 他 她 人 车 凳子 椅子 瓶子 杯子".split())
_BEFORE_WINNING = ("", "没", "要", "能", "想", "先", "才", "刚", "快", "怎么", "可以")
_AROUND = frozenset("绕围团")
_STAGED = re.compile(
    "比赛|球赛|决赛|赛|电影|演出|音乐会|演唱会|报告|讲座|考试|表演|戏|足球|篮球|排球|会议|发布会|直播|晚会|舞会|活动|"
    "球|展览|婚礼|辩论|歌"
)
_BEFALLS = re.compile(
    "^的?(?:[大小暴及时雷透特]{0,3}[雨雪病梦火战仗灾]|风波|虚惊|误会|危机|疫情|官司|灾难|革命|浩劫|空)"
)
#: Behind these 干 is dry.
_DRIED = frozenset("晒晾吹擦烘烤哭喝很太口风没未")
_MEASURED = frozenset("体温 血压 身高 尺寸 一下 一量 了 完 过 衣 个 好 腰围 体重 血糖 三围 长度 量 身".split())
_CARRIED = tuple("书包 包 孩子 篓 行囊 行李 锅 债 枪 老人 柴 粮 米 筐".split())
#: Verbs behind which 为 is "as", "into": 贬为, 译为.
_NAMING = frozenset("贬封改任列选评称译定认视升降晋推奉拜变转分换折合调编取誉命划判传作化易更并扩缩增减")
_REACHING = frozenset("猜睡找逮抓捉够碰买借烧点")


def _huan(words: Sequence[Word], at: int) -> str | None:
    after = text_at(words, at + 1)
    if text_at(words, at - 1) in ("应", "待", "未", "需", "已") and tag_at(words, at + 1)[:1] == "n":
        return "huan2"  # 应还金额
    if after in ("了", "过", "完") or after.startswith(_OWED):
        verb_follows = after in ("我", "你", "他", "她", "人") and tag_at(words, at + 2)[:1] in ("v", "d")
        return None if verb_follows or (after == "给" and tag_at(words, at + 3)[:1] == "v") else "huan2"
    return "huan2" if not after and text_at(words, at - 1) in ("不", "没", "要", "该", "来", "先") else None


def _zhang(words: Sequence[Word], at: int) -> str | None:
    if text_at(words, at + 1).startswith(_GROWS):
        return "zhang3"
    return "zhang3" if tag_at(words, at - 1)[:1] == "n" and not text_at(words, at + 1) else None


def _chong(words: Sequence[Word], at: int) -> str | None:
    after = text_at(words, at + 1)
    if NUMERAL.search(text_at(words, at - 1)) and text_at(words, at - 1) != "这":
        return "chong2"
    return "chong2" if after in AGAIN else None


def _hang(words: Sequence[Word], at: int) -> str | None:
    if NUMERAL.search(text_at(words, at - 1)):
        return None if text_at(words, at + 1).startswith("人") else "hang2"
    return "hang2" if text_at(words, at - 1) in ("第", "同") else None


def _zhi(words: Sequence[Word], at: int) -> str | None:
    before = text_at(words, at - 1)
    if not NUMERAL.search(before) or (before in ("这", "那", "每", "某") and tag_at(words, at + 1)[:1] in ("v", "p")):
        return None
    return "zhi1"


def _wei(words: Sequence[Word], at: int) -> str | None:
    """为: is, becomes (wei2) before numbers and in 以…为…; for (wei4) before persons and things acted for."""
    after, tag = text_at(words, at + 1), tag_at(words, at + 1)
    if after in ("了", "什么", "何", "此", "啥", "着"):
        return "wei4"
    if tag[:1] == "m" or any(word.text == "以" for word in words[max(0, at - 6) : at]):
        return "wei2"
    if text_at(words, at - 1)[-1:] in _NAMING:
        return "wei2"
    acted = any(word.tag[:1] == "v" and word.text[:1] != "属" for word in words[at + 2 : at + 8])
    if tag[:1] == "r" or after in ("您", "您们") or (tag[:1] == "n" and acted):
        return "wei4"
    return "wei2"


def _zhong(words: Sequence[Word], at: int) -> str | None:
    if NUMERAL.search(text_at(words, at - 1)):
        return None
    return (
        "zhong4"
        if tag_at(words, at + 1)[:1] in ("n", "u") or text_at(words, at + 1) in ("了", "着", "在", "下", "上", "满")
        else None
    )


def _shu(words: Sequence[Word], at: int) -> str | None:
    return (
        "shu3"
        if text_at(words, at + 1) in ("了", "过", "数", "到", "一下", "着", "不清", "完", "一", "钱", "得")
        else None
    )


def _gan(words: Sequence[Word], at: int) -> str | None:
    before = text_at(words, at - 1)
    if before in _DRIED or before.endswith(("很", "太")):
        return "gan1"
    return None


def _dao(words: Sequence[Word], at: int) -> str | None:
    if text_at(words, at - 1).endswith(_STANDING) and text_at(words, at + 1) in ("了", "下", "塌"):
        return "dao3"
    return "dao3" if tag_at(words, at - 1) == "v" and text_at(words, at + 1) in ("了", "在", "") else None


def _huo(words: Sequence[Word], at: int) -> str | None:
    if text_at(words, at + 1) == "牌" and text_at(words, at - 1) in _BEFORE_WINNING:
        return "hu2"
    return "huo2" if text_at(words, at + 1) in ("面", "泥") and tag_at(words, at - 1)[:1] not in ("n", "r") else None


def _xie(words: Sequence[Word], at: int) -> str | None:
    return "xie3" if text_at(words, at - 1) in ("出", "吐", "抽", "滴", "点", "多") else None


def _cheng(words: Sequence[Word], at: int) -> str | None:
    return "cheng2" if text_at(words, at + 1)[:1] in tuple("饭汤菜粥水了一满") else None


def _ji(words: Sequence[Word], at: int) -> str | None:
    tie = tuple("鞋带 领带 安全带 扣子 围巾 绳子 腰带 围裙 红领巾 好 上 着 紧 带子 蝴蝶结".split())
    return "ji4" if text_at(words, at + 1).startswith(tie) else None


def _tiao(words: Sequence[Word], at: int) -> str | None:
    """调: to adjust (tiao2) by a little, to a degree, or what has a scale; to move or call up (diao4) otherwise."""
    after = text_at(words, at + 1)
    degree = after == "到" and (
        tag_at(words, at + 2)[:1] in ("m", "a", "d") or text_at(words, at + 2) in ("最", "静音")
    )
    scale = tuple("一下 一调 高 低 大 小 亮 暗 快 慢 匀 好 准 音 温 亮度 空调 闹钟 味 座椅 时间 焦 色 琴".split())
    return "tiao2" if degree or after.startswith(scale) else None


def _lead(words: Sequence[Word], at: int) -> str | None:
    """率: to lead (shuai4) before whom; the rate (lv4) behind what is counted."""
    led = tag_at(words, at + 1)[:1] in ("n", "r", "m") and tag_at(words, at - 1)[:1] not in ("v", "a")
    return "shuai4" if led or (at + 1 < len(words) and tag_at(words, at - 1) == "nr") else None


def _dang(words: Sequence[Word], at: int) -> str | None:
    """把…当…: to take for (dang4)."""
    taken = any(word.text in ("把", "拿", "将") for word in words[max(0, at - 4) : at])
    return "dang4" if taken and text_at(words, at + 1) else None


def _zhuan(words: Sequence[Word], at: int) -> str | None:
    """转: to revolve (zhuan4) around something or in circles; to turn, to pass on (zhuan3) otherwise."""
    around = any(word.text[:1] in _AROUND for word in words[max(0, at - 6) : at])
    circles = "圈" in "".join(word.text for word in words[at + 1 : at + 4])
    return "zhuan4" if around or circles or text_at(words, at + 1) in ("起来", "不停", "个", "啊") else None


def _chang(words: Sequence[Word], at: int) -> str | None:
    """场: how often something befell (一场雨, 大病一场: chang2); a performance, a match (chang3)."""
    if not NUMERAL.search(text_at(words, at - 1)):
        return None
    return occasion(words, at, "")


def occasion(words: Sequence[Word], at: int, counted: str) -> str:
    """The reading of 场 behind a numeral, the word at `at`; `counted`: the numeral where it is in that word."""
    following = "".join(word.text for word in words[at + 1 : at + 5])
    if _STAGED.search(following):
        return "chang3"
    once = counted.endswith("一") or text_at(words, at - 1).endswith("一")
    return "chang2" if _BEFALLS.search(following) or (once and not following.startswith("的")) else "chang3"


def _liang(words: Sequence[Word], at: int) -> str | None:
    after = text_at(words, at + 1)
    return "liang2" if after in _MEASURED or after.startswith("一量") else None


def _bei(words: Sequence[Word], at: int) -> str | None:
    return "bei1" if text_at(words, at + 1).endswith(_CARRIED) else None


def _zhao(words: Sequence[Word], at: int) -> str | None:
    """着 behind a verb of reaching: 猜着了, 够不着."""
    if text_at(words, at - 1)[-1:] in _REACHING and text_at(words, at + 1) == "了":
        return "zhao2"
    return None


def _hit(words: Sequence[Word], at: int) -> str | None:
    """中: to hit, to win (zhong4) where it has an object behind 了 or 过: 中了大奖."""
    won = text_at(words, at + 1) in ("了", "过") and tag_at(words, at - 1)[:1] not in ("v", "n")
    return "zhong4" if won and tag_at(words, at + 2)[:1] in ("n", "m", "r") else None


RULES: dict[str, Rule] = {
    "得": particle_de, "的": taxi, "地": particle_di, "还": _huan, "长": _zhang, "重": _chong, "行": _hang,
    "只": _zhi, "为": _wei, "率": _lead, "调": _tiao,
    "种": _zhong, "数": _shu, "了": verb_liao, "干": _gan, "倒": _dao, "和": _huo, "上": suffix, "里": suffix,
    "过": particle_guo, "当": _dang, "转": _zhuan, "场": _chang, "量": _liang, "背": _bei, "着": _zhao, "中": _hit,
    "血": _xie, "盛": _cheng, "系": _ji, "啊": interjection, "呀": interjection, "哇": interjection, "哟": interjection,
}  # fmt: skip
