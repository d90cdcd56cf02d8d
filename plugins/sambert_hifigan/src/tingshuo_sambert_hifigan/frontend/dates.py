"""Dates and clock times in running text, in words. Rules are tried in order; each is `(pattern, reading)`."""

from __future__ import annotations

import re
from collections.abc import Callable

from tingshuo_sambert_hifigan.frontend import numerals

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_YEAR = r"(?<![\d.])((?:1[0-9]|20)\d{2})"
_MONTH = r"(0?[1-9]|1[0-2])"
_DAY = r"(0?[1-9]|[12]\d|3[01])"
_HOUR = r"(?<![\d.:])([01]?\d|2[0-4])"
_MINUTE = r"([0-5]\d)"
_TO = r"\s*(?:--?|~|—|到|至)\s*"
_SPAN_OF_TIME = r"(?:多|余|来|以上|左右|前(?!年)|后(?!年)|间|历史|的历史|光阴|寿命|时间)"


def _half_day(hour: int, suffix: str) -> str:
    """The part of the day that am and pm stand for: 凌晨 until six, 中午 at noon, 晚上 from seven."""
    if suffix.lower().startswith("a"):
        return "凌晨" if hour < 6 or hour == 12 else "上午"
    return "中午" if hour == 12 else "下午" if hour < 7 else "晚上"


def spoken_time(match: re.Match[str]) -> str:
    """`下午五点半`, `凌晨五点整`: a twelve-hour time with am or pm. Groups: hour, minute, second, am or pm."""
    hour, minute, second, suffix = match.groups()
    part = _half_day(int(hour), suffix)
    if second is None and minute in ("00", None):
        return f"{part}{numerals.clock(hour, '00')}整"
    if second is None and minute == "30":
        return f"{part}{numerals.clock(hour, '00')}半"
    return part + numerals.clock(hour, minute, second)


def _named_day(match: re.Match[str]) -> str:
    return f"{numerals.cardinal(match[1])}月{numerals.cardinal(match[2])}{match[3]}"


def _named_year(match: re.Match[str]) -> str:
    return f"{numerals.year(match[1])}{match[2]}"


def _span_of_years(match: re.Match[str]) -> str:
    """Round numbers before 前, 后, 历史 count years; 2008年前 still names one."""
    return numerals.cardinal(match[1]) + match[2] if match[1].endswith("00") else numerals.year(match[1]) + match[2]


RULES: tuple[Rule, ...] = (
    (re.compile(r"(?<=\d)[—-]{1,2}(?=\d)(?<=\d—)"), lambda m: "-"),
    (re.compile(r"(?<=\d[日月年时分秒])\s?[-~—]{1,2}\s?(?=\d)"), lambda m: "到"),
    (re.compile(rf"{_YEAR}([-/.]){_MONTH}\2{_DAY}(?![\d./-]|\.\d)[日号]?"),
     lambda m: numerals.date(m[1], m[3], m[4])),
    (re.compile(rf"(?<![\d/]){_MONTH}/{_DAY}/((?:19|20)\d{{2}})(?![\d/])"), lambda m: numerals.date(m[3], m[1], m[2])),
    (re.compile(rf"{_YEAR}[-/](0[1-9]|1[0-2])(?![\d/-])(?!年)"), lambda m: numerals.date(m[1], m[2])),
    (re.compile(r"(?<![\d.])((?:19|20)\d{2})[-/](\d{2})(?=赛季|学年|年度|财年)"),
     lambda m: f"{numerals.year(m[1])}、{numerals.year(m[2])}"),
    (re.compile(r"(?<![\d.])((?:19|20)\d{2})(?=(?:[QH][1-4]|第?[一二三四]季度)(?![\dA-Za-z]))"),
     lambda m: numerals.year(m[1])),
    (re.compile(r"(?<=\()((?:1\d|20)\d{2})\s?[-~—]\s?((?:1\d|20)\d{2})(?=\))"),
     lambda m: f"{numerals.year(m[1])}到{numerals.year(m[2])}"),
    (re.compile(rf"{_YEAR}(?:年)?{_TO}((?:1[0-9]|20)\d{{2}})(年)"),
     lambda m: f"{numerals.year(m[1])}{'年' if '年' in m[0][4:-5] else ''}{'至' if '至' in m[0] else '到'}"
               f"{numerals.year(m[2])}年"),
    (re.compile(rf"{_YEAR}(年{_SPAN_OF_TIME})"), _span_of_years),
    (re.compile(rf"{_YEAR}(年(?!级)|级(?!别)|届|财年)"), _named_year),
    (re.compile(r"(?<![\d.])(0\d|[6-9]\d)(年(?=\d{1,2}月|代初|代末|出生|毕业|生(?!活))|后(?=[的，。、！？一]|$)|级)"),
     _named_year),
    (re.compile(r"(?<![\d.])(\d0)(年代)"), lambda m: numerals.cardinal(m[1]) + m[2]),
    (re.compile(r"(?<![\d.])((?:1[0-9]|20)\d0)(年代)"), _named_year),
    (re.compile(r"(?<![\d.A-Za-z])((?:1[89]|20)\d0)'?s(?![A-Za-z])"), lambda m: numerals.year(m[1]) + "年代"),
    (re.compile(rf"(?<![\d.]){_MONTH}月{_DAY}([日号])"), _named_day),
    (re.compile(rf"(?<![\d.]){_MONTH}{_TO}{_MONTH}(月)(?![\d])"),
     lambda m: f"{numerals.cardinal(m[1])}到{numerals.cardinal(m[2])}月"),
    (re.compile(rf"(?<![\d.]){_MONTH}(月)(?!\d+个)"), lambda m: numerals.cardinal(m[1]) + "月"),
    (re.compile(rf"(?<![\d.]){_DAY}([日号])(?=[，。、！？；\s到至~-]|$|前|后|上午|下午|晚|早|凌晨)"),
     lambda m: numerals.cardinal(m[1]) + m[2]),
    (re.compile(rf"{_HOUR}(?::{_MINUTE})?(?::{_MINUTE})?\s?([aApP])\.?[mM]\b\.?"),
     lambda m: spoken_time(re.fullmatch(r"(\d+)(?::(\d+))?(?::(\d+))?\s?([a-zA-Z]).*", m[0]) or m)),
    (re.compile(rf"{_HOUR}:{_MINUTE}(?::{_MINUTE})?{_TO}{_HOUR}:{_MINUTE}(?::{_MINUTE})?(?![\d:])"),
     lambda m: f"{numerals.clock(m[1], m[2], m[3])}到{numerals.clock(m[4], m[5], m[6])}"),
    (re.compile(rf"{_HOUR}:{_MINUTE}:{_MINUTE}(?![\d:])"), lambda m: numerals.clock(m[1], m[2], m[3])),
    (re.compile(rf"{_HOUR}:{_MINUTE}(?![\d:])"), lambda m: numerals.clock(m[1], m[2])),
    (re.compile(rf"(?<![\d.])([01]?\d|2[0-4])(点){_MINUTE}(分)"),
     lambda m: numerals.clock(m[1], m[3]) if int(m[3]) else numerals.clock(m[1], m[3]) + "零分"),
    (re.compile(r"(?<![\d.])(2)(点(?!\d))(?=[^\d]|$)"), lambda m: "两点"),
)  # fmt: skip
