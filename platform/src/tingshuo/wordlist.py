"""Where the words of a Chinese text end: its most probable division into the words of jieba's dictionary (MIT)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

#: Characters of the longest words that are looked up.
_LONGEST = 8


@cache
def frequencies() -> Mapping[str, int]:
    """How often each word of the dictionary is met in some sixty million. Read once, on first use (0.4 s)."""
    import jieba

    # The file is read here: jieba's own loader leaves a cache in the shared temporary folder that others may replace.
    with jieba.dt.get_dict_file() as file:
        rows = (line.decode("utf-8").split(" ") for line in file)
        return MappingProxyType({row[0]: int(row[1]) for row in rows if len(row) > 1})


@cache
def _total() -> float:
    return math.log(sum(frequencies().values()))


def divided(text: str) -> list[str]:
    """The words of a text in Han characters, most probable as a whole; a character in no word stands alone."""
    known = frequencies()
    best: list[tuple[float, int]] = [(0.0, 0)] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        choices = [(best[end - 1][0] + math.log(known.get(text[end - 1], 1) or 1) - _total(), end - 1)]
        for start in range(max(0, end - _LONGEST), end - 1):
            count = known.get(text[start:end], 0)
            if count:
                choices.append((best[start][0] + math.log(count) - _total(), start))
        best[end] = max(choices)
    words: list[str] = []
    end = len(text)
    while end:
        start = best[end][1]
        words.append(text[start:end])
        end = start
    return words[::-1]
