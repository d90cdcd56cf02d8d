"""Characters that are particles, suffixes or interjections by what stands around them: 得 地 了 的 上 里 啊."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tingshuo_sambert_hifigan.frontend.words import Word

#: Given the words of a sentence and an index: the reading of that word's character, or None for the usual one.
Rule = Callable[[Sequence[Word], int], str | None]

_SUBJECT = frozenset(
    "我 你 您 他 她 它 我们 你们 他们 咱们 咱 大家 谁 人 人家 自己 也 都 就 还 总 必 非 又 可 那 这 便 才 得".split()
)
#: Verbs that jieba's dictionary calls something else.
_ACTIONS = frozenset("把 去 看 多 想 用 问 学 办 修 赶紧 尽快 先 小心 当心".split())
#: What tells how much behind 得: 时髦得多.
_DEGREES = frozenset("多 像 似 很 太 更 非常 十分 特别 要命 要死 出奇 可怕 令 让 使 叫".split())
#: After these 过 is the end of a movement, not the particle.
_ACROSS = frozenset(
    "转 接 穿 走 绕 渡 掠 翻 跨 飞 躲 驶 越 跃 流 飘 逃 追 迈 踏 闯 熬 挺 撑 忍 瞒 骗 路 晃 滑 漏".split()
)
#: Interjections keep a tone of their own when they open a clause.
_ALONE = {"啊": "a1", "呀": "ya1", "哇": "wa1", "哟": "yo1"}


def text_at(words: Sequence[Word], at: int) -> str:
    return words[at].text if 0 <= at < len(words) else ""


def tag_at(words: Sequence[Word], at: int) -> str:
    return words[at].tag if 0 <= at < len(words) else ""


def particle_de(words: Sequence[Word], at: int) -> str | None:
    """得: must (dei3) after a subject or adverb and before a verb; else the complement particle."""
    before, after = text_at(words, at - 1), tag_at(words, at + 1)
    follows, tag = text_at(words, at + 1), tag_at(words, at - 1)
    if before in _SUBJECT or tag[:1] in ("r", "d", "c", "") or tag == "nr":
        if tag in ("", "nr") and before and follows in _DEGREES:
            return "de5"
        if after[:1] in ("v", "p", "d", "l") or follows in _ACTIONS:
            return "dei3" if before not in ("不",) else "de2"
        if before in ("不", "只") or follows in ("了", "过"):
            return "de2"
        return "dei3" if after[:1] == "a" and tag[:1] in ("r", "d", "c") else "de5"
    if (
        after[:1] == "v"
        and follows not in _DEGREES
        and (tag[:1] in ("t", "q") or before in ("月", "天", "年") or (tag[:1] == "n" and len(before) > 1))
    ):
        return "dei3"  # 这个月得交房租, 孩子得上学
    return "de2" if not before and after else "de5"


def particle_di(words: Sequence[Word], at: int) -> str | None:
    """地 between an adverb, an adjective or a reduplication and a verb is the particle."""
    before, tag, after = text_at(words, at - 1), tag_at(words, at - 1), tag_at(words, at + 1)
    if len(before) < 2 and tag[:1] not in ("d",):
        return None
    doubled = len(before) >= 2 and (
        before[-1] == before[-2] or before[: len(before) // 2] == before[len(before) // 2 :]
    )
    last = at + 1 == len(words) or bool(words[at + 1].mark)
    manner = before.endswith("性") or (len(before) > 1 and tag[:1] in ("a", "z"))
    if (doubled and (len(before) > 2 or last)) or (manner and not last):
        return "de5"  # 高高兴兴地上学; 渐渐地，; 预见性地警告; 快乐地唱着歌
    adverbial = doubled or tag[:1] in ("a", "b", "d", "z", "i", "l", "v", "o") or before.startswith("一")
    follows = after[:1] in ("v", "p", "d", "a", "r", "") and bool(text_at(words, at + 1))
    return "de5" if (adverbial or tag in ("", "nr")) and follows else None


def verb_liao(words: Sequence[Word], at: int) -> str | None:
    """了 after 得 or 不 is the verb: 受得了, 去不了; so it is where it opens a clause: 了却心愿."""
    before = text_at(words, at - 1)
    if (not at or words[at - 1].mark) and text_at(words, at + 1)[:1] in ("却", "结", "断", "无"):
        return "liao3"
    verb = tag_at(words, at - 2)[:1] == "v"
    return "liao3" if before in ("得", "不") and verb else None


def particle_guo(words: Sequence[Word], at: int) -> str | None:
    """过 after a verb is the particle: 吃过饭; not after a movement (穿过), nor before 来, 去, 头."""
    verb = tag_at(words, at - 1)[:1] == "v" and text_at(words, at - 1) not in _ACROSS
    return "guo5" if verb and text_at(words, at + 1)[:1] not in ("来", "去", "头", "年", "节") else None


def suffix(words: Sequence[Word], at: int) -> str | None:
    """上 and 里 after a noun are suffixes and neutral."""
    after = text_at(words, at + 1)
    if after[:1] in ("一", "个", "半", "次", "周", "海", "班", "课", "学") or not at:
        return None
    noun = tag_at(words, at - 1)[:1] in ("n", "s", "f") or text_at(words, at - 1)[-1:] == "子"
    placed = any(word.text in ("在", "从", "到", "往", "向", "由", "放在") for word in words[max(0, at - 4) : at])
    if tag_at(words, at + 1)[:1] in ("n", "m", "t") and not placed and text_at(words, at + 2) != "着":
        return None
    return {"上": "shang5", "里": "li5"}[words[at].text] if noun else None


def taxi(words: Sequence[Word], at: int) -> str | None:
    """打的 is to take a taxi where no noun follows: 打的去."""
    return (
        "di1"
        if text_at(words, at - 1) == "打" and text_at(words, at + 1) in ("", "去", "回", "来", "到", "走")
        else None
    )


def interjection(words: Sequence[Word], at: int) -> str | None:
    return _ALONE.get(words[at].text) if not at or words[at - 1].mark else None
