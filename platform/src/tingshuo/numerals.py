"""Arabic digits spelled out, so that a text and its transcript compare whichever way each writes numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

_ZH_DIGITS = "零一二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_GROUPS = ("", "万", "亿", "万亿", "亿亿")
#: From here on digits are a telephone or account number, read one by one.
_CARDINAL_DIGITS = 9

_EN_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_GROUPS = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_EN_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def zh_digits(digits: str) -> str:
    """Digit by digit: "2024" -> 二零二四."""
    return "".join(_ZH_DIGITS[int(digit)] for digit in digits)


def zh_cardinal(digits: str) -> str:
    """As a quantity: "105" -> 一百零五, "12" -> 十二. Numbers like 007 or 13800138000 are read digit by digit."""
    if len(digits) >= _CARDINAL_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return zh_digits(digits)
    spelled, gap = "", False
    groups = [digits[max(end - 4, 0) : end] for end in range(len(digits), 0, -4)][::-1]
    for place, group in zip(range(len(groups) - 1, -1, -1), groups, strict=True):
        value = int(group)
        if not value:
            gap = True
            continue
        spelled += ("零" if spelled and (gap or group[0] == "0") else "") + _zh_group(value) + _ZH_GROUPS[place]
        gap = False
    spelled = spelled or "零"
    return spelled[1:] if spelled.startswith("一十") else spelled


def _zh_group(value: int) -> str:
    """1 to 9999."""
    digits, spelled, gap = str(value), "", False
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit == "0":
            gap = True
            continue
        spelled += ("零" if gap else "") + _ZH_DIGITS[int(digit)] + _ZH_PLACES[place]
        gap = False
    return spelled


def zh_number(text: str) -> str:
    """A number with or without decimals: "3.14" -> 三点一四."""
    whole, _, decimals = text.partition(".")
    return zh_cardinal(whole) + (f"点{zh_digits(decimals)}" if decimals else "")


def _zh_minutes(hours: str, minutes: str) -> str:
    if not int(minutes):
        return f"{zh_cardinal(hours)}点"
    return f"{zh_cardinal(hours)}点{'零' if minutes[0] == '0' else ''}{zh_cardinal(str(int(minutes)))}分"


# Each pattern begins where a run of digits does: tried from every digit of it, a long run would take its square.
_ZH_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)"),
        lambda m: f"{zh_digits(m[1])}年{zh_cardinal(str(int(m[2])))}月{zh_cardinal(str(int(m[3])))}日",
    ),
    # Three or four digits before 年 name a year; one or two may count years ("10年前") and are read as a quantity.
    (re.compile(r"(?<!\d)(\d{3,4})(?=年)"), lambda m: zh_digits(m[1])),
    (re.compile(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?!\d)"), lambda m: _zh_minutes(m[1], m[2])),
    (re.compile(r"(?<!\d)(\d+(?:\.\d+)?)%"), lambda m: f"百分之{zh_number(m[1])}"),
    (re.compile(r"(?<![\d/])(\d+)/(\d+)(?![\d/])"), lambda m: f"{zh_cardinal(m[2])}分之{zh_cardinal(m[1])}"),
    (re.compile(r"(?<![\w.])-(?=\d)"), lambda m: "负"),
    (re.compile(r"\d+(?:\.\d+)?"), lambda m: zh_number(m[0])),
)


def spell_zh(text: str) -> str:
    """Dates, years, times, percentages, fractions, negative and decimal numbers in Chinese characters."""
    text = _THOUSANDS.sub("", text)
    for pattern, spelled in _ZH_FORMS:
        text = pattern.sub(spelled, text)
    return text


def en_cardinal(value: int) -> str:
    """As a quantity: 105 -> "one hundred five"."""
    if value < 20:
        return _EN_SMALL[value]
    if value < 100:
        return _EN_TENS[value // 10] + (f" {_EN_SMALL[value % 10]}" if value % 10 else "")
    unit, name = next((unit, name) for unit, name in _EN_GROUPS if value >= unit)
    rest = value % unit
    return f"{en_cardinal(value // unit)} {name}" + (f" {en_cardinal(rest)}" if rest else "")


def _en_digits(digits: str) -> str:
    return " ".join(_EN_SMALL[int(digit)] for digit in digits)


def _en_ordinal(value: int) -> str:
    *before, last = en_cardinal(value).split()
    ordinal = _EN_ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*before, ordinal])


def _en_whole(digits: str) -> str:
    if len(digits) > _CARDINAL_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return _en_digits(digits)
    return en_cardinal(int(digits))


def _en_number(text: str) -> str:
    whole, _, decimals = text.partition(".")
    return _en_whole(whole) + (f" point {_en_digits(decimals)}" if decimals else "")


_EN_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    # A longer number is no ordinal that anybody says.
    (re.compile(r"(?<!\d)(\d{1,12})(?:st|nd|rd|th)\b"), lambda m: _en_ordinal(int(m[1]))),
    (re.compile(r"(?<!\d)(\d+(?:\.\d+)?)%"), lambda m: f"{_en_number(m[1])} percent"),
    # 1984 is read in pairs, 2005 as a quantity.
    (
        re.compile(r"(?<![\d.])(1[1-9]|20)([1-9]\d)(?![\d.]\d|\d)"),
        lambda m: f"{en_cardinal(int(m[1]))} {en_cardinal(int(m[2]))}",
    ),
    (re.compile(r"(?<![\w.])-(?=\d)"), lambda m: "minus "),
    (re.compile(r"\d+(?:\.\d+)?"), lambda m: f" {_en_number(m[0])} "),
)


def spell_en(text: str) -> str:
    """Ordinals, percentages, years, negative and decimal numbers in English words."""
    text = _THOUSANDS.sub("", text)
    for pattern, spelled in _EN_FORMS:
        text = pattern.sub(spelled, text)
    return text
