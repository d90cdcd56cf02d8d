"""儿: merged into the syllable before it (花儿 huar1), or a syllable of its own (女儿 nv3 er2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tingshuo_sambert_hifigan.frontend.phones import has_erhua
from tingshuo_sambert_hifigan.frontend.words import Word

#: Before these 儿 means child, or belongs to a name: it keeps its syllable.
_CHILD = re.compile(
    r"(?:女|婴|幼|少|孤|胎|健|宠|托|混血|新生|弃|患|产|男|幸运|流浪|妻|生|育|私生|孪生|畸形|麟|低能|弱智|侄|乖|"
    r"爱|娇|小小|吾|我|痴|佳|连体|试管|弄潮|甥|巨|死|双胞|孩|寒|云|龙|凤|燕|莺|雪|灵|珠|平|月|蓉|盈|娥|湘)$"
)
#: And before these characters, which make a word with it: 儿子, 儿童, 儿媳.
_OPENS = tuple("子童女媳孙科歌戏郎时化韵茶")
_ERHUA_ANYWAY = ("小孩儿", "女孩儿", "男孩儿", "月儿", "今儿", "明儿", "昨儿", "后儿", "前儿", "字儿")


def _is_child(before: str) -> bool:
    return not before or (bool(_CHILD.search(before)) and not (before + "儿").endswith(_ERHUA_ANYWAY))


def merge(words: Sequence[Word]) -> list[Word]:
    """The words with 儿 merged where it is a suffix; a 儿 that stands alone joins the word before it."""
    out: list[Word] = []
    for word in words:
        before = out[-1] if out else None
        if word.text == "儿" and not word.fixed and before and before.han and before.syllables and not before.fixed:
            joined = before.text + "儿"
            if not _is_child(before.text):
                before.text, before.syllables = joined, [*before.syllables[:-1], *_merged(before.syllables[-1])]
            else:
                before.text, before.syllables = joined, [*before.syllables, "er2"]
            continue
        if not word.fixed and "儿" in word.text[1:] and len(word.text) == len(word.syllables):
            _merge_inside(word)
        out.append(word)
    return out


def _merge_inside(word: Word) -> None:
    syllables: list[str] = []
    for at, (char, syllable) in enumerate(zip(word.text, word.syllables, strict=True)):
        if char != "儿" or not at:
            syllables.append(syllable)
        elif word.text[at + 1 : at + 2] in _OPENS or _is_child(word.text[:at]):
            syllables.append("er2")
        else:
            syllables[-1:] = _merged(syllables[-1])
    word.syllables = syllables


def _merged(syllable: str) -> list[str]:
    """`["huar1"]` for hua1; where the voices have no such phone, the syllable and a neutral er."""
    base, tone = syllable[:-1], syllable[-1]
    return [f"{base}r{tone}"] if has_erhua(base) else [syllable, "er5"]
