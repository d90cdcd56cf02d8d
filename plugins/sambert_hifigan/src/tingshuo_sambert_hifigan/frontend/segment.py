"""Normalised text -> words, with jieba 0.42.1 (MIT) and rules for digits.

jieba's own loader keeps a marshalled cache in the shared temporary folder, where another user of the machine
could plant one: the dictionary is read from the package instead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

from tingshuo_sambert_hifigan.frontend.words import Word

_RUN = re.compile(
    r"(?P<han>[\u3400-\u9fff\U00020000-\U000323af]+)|(?P<latin>[A-Za-z]+(?:'[A-Za-z]+)*)|"
    r"(?P<mark>[，。！？；：、…—\n ])"
)
_DIGIT = "零一二三四五六七八九幺"
_PLACE = "十百千万亿"
#: Frequency in jieba's dictionary from which a word counts as one that is met alone.
_COMMON = 500
_NUMERALS = frozenset(_DIGIT + _PLACE + "两")
_FUNCTION_WORDS = frozenset("儿地得的了着很太真更最挺也都就还不没再又把被给在我你他她它请")
#: Digit by digit (三个以上), or counted with places and decimals: never left to the dictionary.
_NUMBER = re.compile(
    rf"[{_DIGIT}]{{3,}}(?![{_PLACE}])"
    rf"|(?:[{_DIGIT}两]?[{_PLACE}]+){{1,20}}[{_DIGIT}]?(?:点[{_DIGIT}]++(?![{_PLACE}]))?"
    rf"|[{_DIGIT}]点[{_DIGIT}]++[万亿]?(?![{_PLACE}分刻])"
)
#: Words made of number characters that mean something else.
_NO_NUMBER = frozenset("千万 万万 万千 十万 百万 千百 万一 百十 亿万 十 百 千 万 亿 十一 一十".split())


class Segmenter:
    """jieba with the user's words. `tag(word)` is the part of speech of the dictionary, "" for unknown words."""

    def __init__(self, user_words: Iterable[str] = ()) -> None:
        frequencies, tags, total = _dictionary()
        self._tags = tags
        self._tokenizer = _tokenizer(dict(frequencies) if user_words else frequencies, total)
        for word in user_words:
            self._tokenizer.add_word(word, freq=2_000_000)

    def tag(self, word: str) -> str:
        """Such as n, v, a, d, r, m, q; the tag set is jieba's."""
        return self._tags.get(word, "")

    def parts(self, word: str) -> list[str]:
        """A long word in its shorter dictionary words: 展览, 馆."""
        pieces = [piece for piece in self._tokenizer.cut_for_search(word, HMM=False) if len(piece) == 2]
        if len(word) == 3 and pieces:
            return [word[:2], word[2]] if word.startswith(pieces[0]) else [word[0], word[1:]]
        return list(self._tokenizer.cut(word, HMM=False))

    def words(self, text: str) -> Iterator[Word]:
        """The words and marks of normalised text; spaces between Latin words are dropped."""
        for match in _RUN.finditer(text):
            if match["mark"]:
                yield Word(match[0], mark=match[0])
            elif match["latin"]:
                yield Word(match[0])
            else:
                yield from self._han(match[0])

    def _han(self, text: str) -> Iterator[Word]:
        at = 0
        for match in _NUMBER.finditer(text):
            if match[0] in _NO_NUMBER or len(match[0]) < 2 or self._inside_word(text, match):
                continue
            yield from self._cut(text[at : match.start()])
            yield from (Word(part, tag="m") for part in _feet(match[0]))
            at = match.end()
        yield from self._cut(text[at:])

    def _inside_word(self, text: str, match: re.Match[str]) -> bool:
        """Whether the number is part of a dictionary word that is no number, as 千方百计 and 十字路口."""
        start, end = match.span()
        if end - start > 3:
            return False
        around = text[max(0, start - 3) : end + 3]
        shift = start - max(0, start - 3)
        return any(
            around[a:b] in self._tags and not self._tags[around[a:b]].startswith("m")
            for a in range(shift + 1)
            for b in range(shift + end - start, len(around) + 1)
            if b - a > end - start
        )

    def _cut(self, text: str) -> Iterator[Word]:
        before = ""
        for token in self._tokenizer.cut(text, HMM=True) if text else ():
            parts = (token[0], token[1:]) if _adverbial(before, token) else self._parts_of(token)
            for part in parts:
                yield Word(part, tag=self.tag(part) or ("m" if set(part) <= _NUMERALS else ""))
            before = token

    def _common(self, part: str, whole: str) -> bool:
        """Whether a part of two characters or more is met by itself far more often than the whole."""
        frequencies: dict[str, int] = self._tokenizer.FREQ
        return len(part) > 1 and frequencies.get(part, 0) >= max(_COMMON, 20 * frequencies.get(whole, 0))

    def _parts_of(self, token: str) -> tuple[str, ...]:
        """Most often the token itself.

        One that jieba made up (it is in no dictionary) does not begin with a function word: 地|笑, 很|长, 他|教. A
        compound of two common words is two prosodic words: 今天|天气.
        """
        known = token in self._tags
        if len(token) > 1 and token[0] in _FUNCTION_WORDS and not known:
            return token[0], token[1:]
        if (
            len(token) == 2
            and token[0] in "里上"
            and not known
            and self.tag(token[1])[:1] in ("v", "p", "u", "a", "m", "d")
        ):
            return token[0], token[1]
        if 4 <= len(token) <= 8:
            for cut in (2, 3):
                if self._common(token[:cut], token) and self._common(token[cut:], token):
                    return token[:cut], *self._parts_of(token[cut:])
        return (token,)


def _adverbial(before: str, token: str) -> bool:
    """Whether a token in 地 begins with the particle, as behind a reduplication: 高高兴兴|地|上学."""
    return len(token) == 2 and token[0] == "地" and len(before) > 2 and before[-1] == before[-2]


def _feet(number: str) -> list[str]:
    """A number in the groups it is spoken in: 一千|二百|三十四, 幺三八, 二零|二六, 三点五."""
    if "点" in number and len(number) <= 4:
        return [number]
    if any(place in number for place in _PLACE):
        return re.findall(
            rf"[{_DIGIT}两]*[百千万亿]+|[{_DIGIT}两]?十[{_DIGIT}]?[万亿]*|点[{_DIGIT}]+|[{_DIGIT}两]+", number
        )
    if "点" in number:
        whole, _, fraction = number.partition("点")
        return [whole + "点", *_feet(fraction)]
    feet = []
    while len(number) > 3:
        feet.append(number[:2])
        number = number[2:]
    return [*feet, number] if number else feet


def _tokenizer(frequencies: dict[str, int], total: int) -> Any:  # noqa: ANN401 - jieba has no types
    import jieba

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = frequencies, total, True
    return tokenizer


@lru_cache(maxsize=1)
def _dictionary() -> tuple[dict[str, int], dict[str, str], int]:
    """Frequencies of jieba's dictionary (0 for every prefix, as it wants them), its tags, the sum of frequencies."""
    import jieba

    frequencies: dict[str, int] = {}
    tags: dict[str, str] = {}
    with jieba.dt.get_dict_file() as file:
        for line in file:
            word, count, tag = line.decode("utf-8").split(" ")
            frequencies[word] = int(count)
            tags[word] = sys.intern(tag.strip())
    prefixes = chain.from_iterable((word[:end] for end in range(1, len(word))) for word in tags)
    total = sum(frequencies.values())
    for prefix in prefixes:
        frequencies.setdefault(prefix, 0)
    return frequencies, tags, total
