"""Surnames whose reading is not that of the character elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from tingshuo_sambert_hifigan.frontend.words import Word

_SURNAMES = {
    "单": "shan4", "任": "ren2", "华": "hua4", "解": "xie4", "查": "zha1", "区": "ou1", "仇": "qiu2",
    "朴": "piao2", "曾": "zeng1", "盖": "ge3", "燕": "yan1", "宁": "ning4", "万": "wan4",
    "缪": "miao4", "翟": "zhai2", "秘": "bi4", "覃": "qin2", "乐": "yue4", "葛": "ge3",
    "尉迟": "yu4 chi2", "万俟": "mo4 qi2",
    "澹台": "tan2 tai2", "长孙": "zhang3 sun1", "单于": "chan2 yu2",
}  # fmt: skip
_TITLES = tuple("先生 女士 老师 小姐 经理 医生 总 教授 主任 同学 局长 大夫 律师 师傅 导 工".split())


def surname(name: str) -> str | None:
    """The reading of the surname at the head of a name, where it is not the usual reading of the character."""
    return _SURNAMES.get(name[:2]) or _SURNAMES.get(name[:1])


def _in_office(words: Sequence[Word], at: int) -> bool:
    """Whether what looks like a surname is something else: 大学任教授, 一区主任, 单的总."""
    before = words[at - 1] if at else Word("")
    return before.text in ("的", "一") or (words[at].text[0] == "任" and before.tag[:1] in ("n", "t", "m", "c"))


def resolve_surname(words: Sequence[Word], at: int) -> None:
    """单老师, 任先生: a surname before a title; 姓单: one after 姓."""
    word = words[at]
    before = words[at - 1].text if at else ""
    if before == "姓" and (named := surname(word.text)):
        word.syllables[: len(named.split())] = named.split()
        return
    if word.text[:1] == "姓" and (named := surname(word.text[1:])):
        word.syllables[1 : 1 + len(named.split())] = named.split()
        return
    following = words[at + 1].text if at + 1 < len(words) else ""
    if word.text in _SURNAMES and following.startswith(_TITLES) and not _in_office(words, at):
        word.syllables = _SURNAMES[word.text].split()
    elif len(word.text) > 1 and word.text[:1] in _SURNAMES and word.text[1:] in _TITLES and not _in_office(words, at):
        word.syllables[:1] = _SURNAMES[word.text[:1]].split()
