"""Numbers in Chinese words: counted, spelled digit by digit, as telephone numbers, years, clock times.

Every function takes ASCII digits and answers Chinese characters; a string without digits comes back unread.
"""

from __future__ import annotations

import re

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_MYRIADS = ("", "万", "亿", "万亿")
#: Above this many digits a number is spelled digit by digit: nobody counts further.
COUNTED = 16
_SPOKEN = str.maketrans("0123456789", DIGITS)
_TELEPHONE = str.maketrans("0123456789", DIGITS.replace("一", "幺"))


def digits(text: str) -> str:
    """`二零零八` for `2008`."""
    return text.translate(_SPOKEN)


def telephone(text: str) -> str:
    """Digits with 幺 for 1, as telephone and room numbers are read."""
    return text.translate(_TELEPHONE)


def _group(number: int, inner: bool) -> str:
    """One group of four digits; `inner`: a higher group stands before it, so 10 is 一十."""
    out, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit == 0:
            gap = bool(out)
            continue
        out += ("零" if gap else "") + ("两" if digit == 2 and place == 3 else DIGITS[digit]) + _PLACES[place]
        gap = False
    return out[1:] if out.startswith("一十") and not inner else out


def cardinal(text: str) -> str:
    """`一千二百三十四` for `1234`; leading zeros are dropped; more than `COUNTED` digits are spelled."""
    text = text.lstrip("0")
    if len(text) > COUNTED:
        return digits(text)
    if not text:
        return "零"
    groups = [int(text[max(0, end - 4) : end]) for end in range(len(text), 0, -4)][::-1]
    out, gap = "", False
    for place, number in zip(range(len(groups) - 1, -1, -1), groups, strict=True):
        if number == 0:
            gap = bool(out)
            continue
        words = "两" if number == 2 and place else _group(number, inner=bool(out))
        out += ("零" if out and (gap or number < 1000) else "") + words + _MYRIADS[place]
        gap = False
    return out.replace("万亿", "万", 1) + ("亿" if not any(groups[1:-2]) else "") if _needs_yi(groups) else out


def _needs_yi(groups: list[int]) -> bool:
    """一万三千亿 says 亿 once: the group of ten thousand 亿 is followed by the group of 亿."""
    return len(groups) == 4 and groups[1] > 0


def decimal(text: str) -> str:
    """`三点一四` for `3.14`, `一千二百三十四点五` for `1,234.5`; a fraction of zeros alone stays: `十点零零`."""
    whole, _, fraction = text.replace(",", "").partition(".")
    return cardinal(whole) + (f"点{digits(fraction)}" if fraction else "")


def rounded(text: str) -> str:
    """As `decimal`, but `10.00` is 十 (amounts and measures)."""
    whole, _, fraction = text.replace(",", "").partition(".")
    return decimal(f"{whole}.{fraction}") if fraction.strip("0") else cardinal(whole)


def year(text: str) -> str:
    """Years are spelled: `二零二六`."""
    return digits(text)


def code(text: str) -> str:
    """Numbers in product codes: up to two digits are counted (二十三), longer ones spelled (七四七)."""
    if len(text) <= 2 and not text.startswith("0"):
        return cardinal(text)
    return digits(text)


def clock(hour: str, minute: str, second: str | None = None) -> str:
    """`十点零五分` for 10:05, `十点` for 10:00, `十点二十分三十秒` for 10:20:30."""
    out = ("两" if int(hour) == 2 else cardinal(hour)) + "点"
    if int(minute) or (second and int(second)):
        out += _sixtieth(minute) + "分"
    if second and int(second):
        out += _sixtieth(second) + "秒"
    return out


def _sixtieth(text: str) -> str:
    return ("零" if len(text) == 2 and text[0] == "0" and text != "00" else "") + cardinal(text)


def date(year_: str, month: str, day: str | None = None) -> str:
    """`二零二六年三月五日`; without a day `二零二六年三月`."""
    out = f"{year(year_)}年{cardinal(month)}月"
    return out + f"{cardinal(day)}日" if day else out


_MOBILE = re.compile(r"(1\d{2})(\d{4})(\d{4})")
_LANDLINE = re.compile(r"(0(?:10|2\d|[3-9]\d{2}))(\d{3,4})(\d{4})")
_SERVICE = re.compile(r"([48]00)(\d{3})(\d{4})")
_LOCAL = re.compile(r"(\d{3,4})(\d{4})")


def grouped_telephone(text: str) -> str:
    """A telephone number of digits alone, in the groups it is spoken in: `幺三八 零零幺三 八零零零`."""
    for pattern in (_MOBILE, _SERVICE, _LANDLINE, _LOCAL):
        match = pattern.fullmatch(text)
        if match is not None:
            return " ".join(telephone(group) for group in match.groups())
    return telephone(text)
