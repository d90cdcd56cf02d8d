"""Single characters: what is folded together, read by name, silent, or refused.

Letters of scripts that the voices cannot speak are an error, never a silent gap; pictures and ornaments
(emoji, stars, arrows used as bullets) are silent, as a person reading aloud passes over them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tingshuo.errors import UnsupportedLanguage

#: Names that are spoken wherever the sign stands. Names of Greek letters: as in Alibaba's SSML page (2025-04).
NAMED = {
    "×": "乘", "÷": "除以", "±": "正负", "≈": "约等于", "≠": "不等于", "≤": "小于等于", "≥": "大于等于",
    "√": "根号", "∞": "无穷大", "℃": "摄氏度", "℉": "华氏度", "°": "度", "‰": "千分号", "∠": "角", "△": "三角形",
    "㎡": "平方米", "㎏": "千克", "㎝": "厘米", "㎜": "毫米", "㎞": "公里", "℡": "电话", "№": "第", "の": "的",
    "µ": "微",
    "Α": "阿尔法", "Β": "贝塔", "Γ": "伽玛", "Δ": "德尔塔", "Θ": "西塔", "Λ": "拉姆达", "Ξ": "克西", "Π": "派",
    "Σ": "西格玛", "Φ": "斐", "Ψ": "普赛", "Ω": "欧米伽", "α": "阿尔法", "β": "贝塔", "γ": "伽玛", "δ": "德尔塔",
    "ε": "艾普西龙", "ζ": "捷塔", "η": "依塔", "θ": "西塔", "ι": "艾欧塔", "κ": "喀帕", "λ": "拉姆达", "μ": "缪",
    "ν": "纽", "ξ": "克西", "ο": "欧麦克轮", "π": "派", "ρ": "柔", "σ": "西格玛", "ς": "西格玛", "τ": "套",
    "υ": "宇普西龙", "φ": "斐", "χ": "器", "ψ": "普赛", "ω": "欧米伽",
}  # fmt: skip
#: Names in `say-as` punctuation, characters and id, where every sign is spoken.
SPOKEN = {
    "!": "叹号", '"': "双引号", "#": "井号", "$": "美元", "%": "百分号", "&": "and", "'": "单引号", "(": "左括号",
    ")": "右括号", "*": "星号", "+": "加号", ",": "逗号", "-": "杠", ".": "点", "/": "斜杠", ":": "冒号", ";": "分号",
    "<": "小于", "=": "等号", ">": "大于", "?": "问号", "@": "at", "[": "左方括号", "\\": "反斜线", "]": "右方括号",
    "^": "脱字符", "_": "下划线", "`": "反引号", "{": "左花括号", "|": "竖线", "}": "右花括号", "~": "波浪线",
    "“": "左双引号", "”": "右双引号", "‘": "左单引号", "’": "右单引号", "，": "逗号", "。": "句号", "—": "杠",
    "、": "顿号", "…": "省略号", "《": "左书名号", "》": "右书名号", "¥": "人民币符号", "·": "间隔号",
}  # fmt: skip
#: Punctuation as the break rules know it. A space stays a space.
_PAUSES = str.maketrans(
    {",": "，", "!": "！", "?": "？", ";": "；", ":": "：", "﹐": "，", "｡": "。", "､": "、", "⋯": "…", "～": "~",
     "–": "-", "−": "-", "‐": "-", "‑": "-", "﹣": "-", "―": "—", "─": "—", "￥": "¥", "〇": "零", "○": "零", "“": '"',
     "”": '"', "‘": "'", "’": "'", "「": '"', "」": '"', "『": '"', "』": '"',
     "【": "(", "】": ")", "〈": "《", "〉": "》"}
)  # fmt: skip
#: Folded before numbers are read: signs that also belong to numbers become ASCII.
_FOLDS = {
    **{c: chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F) if chr(c) not in "，"},
    ord("￥"): "¥", ord("〜"): "~", ord("～"): "~", ord("–"): "-", ord("−"): "-", ord("‐"): "-", ord("‑"): "-",
    ord("〇"): "零", ord("℃"): "℃", ord("\u00a0"): " ", ord("\u3000"): " ", ord("’"): "'", ord("ß"): "ss",
    ord("²"): "²", ord("³"): "³", ord("…"): "…", ord("⁄"): "/", ord("・"): "·", ord("∶"): ":", ord("﹪"): "%",
}  # fmt: skip
_KEEP = frozenset(NAMED) | frozenset(SPOKEN) | {chr(c) for c in _FOLDS} | frozenset("—¥·²³%‰")


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    """One character in its plain form: half width, without accents, compatibility forms opened."""
    code = ord(char)
    if code < 0x80:
        return char if char >= " " or char == "\n" else " "
    if code in _FOLDS:
        return _FOLDS[code]
    if char in _KEEP:
        return char
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    if plain and plain != char and all(c < "\x80" or is_han(c) for c in plain):
        return plain.replace("\u2044", "/")
    if char in "ĐđØøŁłıŒœÆæÞþð":
        return {"Đ": "D", "đ": "d", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "ı": "i"}.get(char, "e")
    return char


def fold(text: str) -> str:
    """Text with half-width letters and digits, plain spaces, no accents, no invisible characters."""
    folded = "".join(_fold(char) for char in unicodedata.normalize("NFC", text))
    return "".join(c for c in folded if c == "\n" or unicodedata.category(c) not in ("Cf", "Mn", "Me"))


def is_han(char: str) -> bool:
    """Whether the character is a Chinese one (the unified ideographs with extensions, and 〇)."""
    code = ord(char)
    return 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x323AF or char == "〇"


_KNOWN = re.compile(r"[\u4e00-\u9fffA-Za-z0-9'，。！？；：、…—\s]+")


def settle(text: str) -> str:
    """The text with what is left after numbers were read: named signs in words, ornaments silent.

    Raises `UnsupportedLanguage` at the first letter of a script that is neither Chinese nor Latin.
    """
    text = text.translate(_PAUSES)
    out, at = [], 0
    while at < len(text):
        run = _KNOWN.match(text, at)
        out.append(run[0] if run else _settle_one(text[at]))
        at = run.end() if run else at + 1
    return "".join(out)


def _settle_one(char: str) -> str:
    if char in NAMED or is_han(char):
        return NAMED.get(char, char)
    if char in '"()（）[]《》{}':
        return " "
    if unicodedata.category(char)[0] in "LN":
        name = unicodedata.name(char, "no name")
        raise UnsupportedLanguage(f"{char!r} (U+{ord(char):04X} {name}) cannot be read: write Chinese or Latin letters")
    return " "
