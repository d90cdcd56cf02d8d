"""Traditional to simplified characters, with the bundled table of wetext 0.1.8 (Apache-2.0).

Only text that holds a character outside GB 2312, the simplified standard set, is converted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

#: The table knows characters, not words: 著 is 着 except in these, 乾 is 干 except in these.
_ZHU = re.compile(r"(?<![顯显名原編编專专土卓昭巨論论遗遺拙合新译譯])著(?![名作稱称述者錄录书書有])")
_QIAN = re.compile(r"乾(?![隆坤縣县卦元])")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]{1,100}")


def _is_simplified(text: str) -> bool:
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1)
def _table() -> Any:  # noqa: ANN401 - wetext has no types
    from wetext import Normalizer

    return Normalizer(lang="zh", operator="tn", traditional_to_simple=True, full_to_half=False)


@lru_cache(maxsize=8192)
def _convert(char: str) -> str:
    converted: str = _table().normalize(char)
    return converted if len(converted) == 1 else char


def _convert_run(match: re.Match[str]) -> str:
    return "".join(map(_convert, match[0]))


def simplified(text: str) -> str:
    """`text` in simplified characters; unchanged where it is simplified already."""
    han = "".join(_HAN_RUN.findall(text))
    if _is_simplified(han):
        return text
    converted = _HAN_RUN.sub(_convert_run, text)
    if converted == text:
        return text
    return _QIAN.sub("干", _ZHU.sub("着", converted))
