"""Amounts in running text, in words: telephone and account numbers, money, percentages, scores, ranges, codes."""

from __future__ import annotations

import re

from tingshuo_sambert_hifigan.frontend import numerals
from tingshuo_sambert_hifigan.frontend.dates import Rule
from tingshuo_sambert_hifigan.frontend.measures import (
    COUNTED,
    CURRENCIES,
    CURRENCY_CODES,
    MEASURE_WORDS,
    RATES,
    UNITS,
    by_grammar,
)

#: Thousands groups are bounded so that a failing match stays linear.
NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,6}(?![\d,])|\d+)(?:\.\d+)?"
_START = r"(?<![\d.A-Za-z])"
_TO = r"\s?(?:--?|~|—)\s?"
_CALLED = re.compile(
    r"(?:电话|手机号?码?|拨打?|致电|热线|客服|报警|急救|来电|呼叫|分机号?|按|号码|打|转)[是为：:，]?\s?$"
)
_LISTED = re.compile(
    r"(?:[编账帐卡单证学工序座车牌股代]号码?|身份证号?码?|验证码|密码|口令|邮编|邮政编码|QQ号?|尾号|代码|股票|编码|"
    r"条码|航班|快递|房间号?|ID|id|Id|群号?|微信号?|[前后末][一二两三四五六七八九十]+位(?:数字)?)[是为：:，]?\s?$"
)
#: Names of days, events and schools that are a number, spelled: 九一一事件, 九八五高校.
_NAMED = re.compile(
    r"(?:[·.]\d{1,2})?(?:妇女节|国际|事件|事故|惨案|讲话|大案|晚会|暴雨|地震|空难|火灾|爆炸|暴动|恐怖|消费者|大促|"
    r"购物|活动|年中|高校|大学|院校|工程|重点)"
)
#: A number that people, telephones and cars are called by: 拨打 is not said.
_EMERGENCY = re.compile(r"\s?(?:报警|急救|火警|指挥中心|查号|出警|接警|救护车|平台)")
_FLATS = re.compile(r"(?:[A-Za-z栋幢座]|单元)$")
_MODELS = re.compile(r"(?:波音|空客|麦道|图|安|苏|米|奔驰|宝马|标致|雪铁龙|法拉利|保时捷|骁龙|天玑|麒麟|酷睿|锐龙)$")
_SCORED = re.compile(
    r"(?:比分|大比分|总分|战[平胜]|[胜负赢输平]|击败|不敌|力克|险胜|逆转|领先|落后|"
    r"以|比数|赔率|的比例|比例|比率)[是为了：:]?\s?$"
)
_MATCH_RESULT = re.compile(r"\s?(?:战[胜平]|[胜负赢输平]|击败|不敌|力克|险胜|逆转|领先|落后|的比分|的比例|的优势)")
_ROUTE = re.compile(r"路(?:公交|电车|汽车|公共|巴士|车)")
_CALENDAR = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_ROOM = re.compile(r"\s?(?:室|房间?|号房|教室|号楼|包间|会议室|弄|栋楼)")


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - 8) : match.start()]


def _after(match: re.Match[str]) -> str:
    return match.string[match.end() : match.end() + 8]


def _money(match: re.Match[str]) -> str:
    unit = CURRENCIES[match[1]]
    if match[3] and match[3][-1] in "元块":
        unit = ""
    return numerals.decimal(_without_zeros(match[2])) + (match[3] or "") + unit


def _without_zeros(number: str) -> str:
    whole, _, fraction = number.partition(".")
    return number if fraction.strip("0") else whole


def _percent(match: re.Match[str]) -> str:
    sign, number, mark = match.groups()
    if number == "100" and mark == "%" and not sign:
        return "百分之百"
    return ("百分之" if mark == "%" else "千分之") + ("负" if sign else "") + numerals.decimal(number)


def _percent_range(match: re.Match[str]) -> str:
    return f"百分之{numerals.decimal(match[1])}到百分之{numerals.decimal(match[2])}"


def _angle(match: re.Match[str]) -> str:
    """Degrees, minutes and seconds: 39°54′27″."""
    seconds = f"{numerals.decimal(match[3])}秒" if match[3] else ""
    return f"{numerals.decimal(match[1])}度{numerals.decimal(match[2])}分{seconds}"


def _temperature(match: re.Match[str]) -> str:
    below = ("零下" if match[3] in ("℃", "°C", "度") else "负") if match[1] else ""
    return below + counted(match[2], UNITS.get(match[3], match[3]))


def counted(number: str, unit: str) -> str:
    """An amount before its unit: 2 is 两 before a measure word, zeros after the point are dropped."""
    words = numerals.rounded(number)
    if words == "二" and not unit.startswith(("月", "日", "号", "楼", "点", "级", "班", "两", "年级", "十")):
        words = "两"
    return words + unit


def _with_unit(match: re.Match[str]) -> str:
    number, unit = match[1], match[2]
    if unit in RATES:
        return RATES[unit].format(counted(number, ""))
    if unit in UNITS:
        return counted(number, UNITS[unit])
    return by_grammar(f"{number}{unit}") or f"{numerals.decimal(number)}{unit}"


def _score_or_range(match: re.Match[str]) -> str:
    first, second = match[1], match[2]
    after = _after(match)
    left, right = numerals.decimal(first), numerals.decimal(second)
    scored = _SCORED.search(_before(match)) or _MATCH_RESULT.match(after)
    if not scored and (COUNTED.match(after) or float(first) < float(second)):
        return f"{_pair_word(left, after)}到{counted(second, '')}"
    return f"{left}比{right}"


def _pair_word(words: str, after: str) -> str:
    return "两" if words == "二" and re.match(MEASURE_WORDS, after) else words


def _long_number(match: re.Match[str]) -> str:
    text, before, after = match[0], _before(match), _after(match)
    if _CALLED.search(before) and (len(text) >= 3 and not COUNTED.match(after)):
        return numerals.grouped_telephone(text)
    if _LISTED.search(before) or (_MODELS.search(before) and len(text) <= 4 and not COUNTED.match(after)):
        return numerals.digits(text)
    if len(text) == 3 and (_NAMED.match(after) or _ROUTE.match(after)):
        return numerals.digits(text)
    if len(text) == 3 and text[0] == "1" and _EMERGENCY.match(after):
        return numerals.telephone(text)
    if _FLATS.search(before) and len(text) <= 4 and not COUNTED.match(after):
        return numerals.telephone(text)
    if _CALENDAR.fullmatch(text) and not COUNTED.match(after):
        return numerals.digits(text)
    if _ROOM.match(after) and len(text) >= 3:
        return numerals.telephone(text)
    spelled = len(text) > 8 and not text.endswith("0000") and not COUNTED.match(after)
    return numerals.digits(text) if spelled or (text[0] == "0" and len(text) > 1) else text


def _versions(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    read = numerals.digits if len(parts) == 4 else numerals.code
    return "点".join(read(part) for part in parts)


def _power(match: re.Match[str]) -> str:
    exponent = ("负" if match[2][0] == "-" else "") + numerals.cardinal(match[2].lstrip("-"))
    base = match[1] if match[1].isalpha() else numerals.decimal(match[1])
    return base + {"二": "的平方", "三": "的立方"}.get(exponent, f"的{exponent}次方")


_UNIT = "|".join(re.escape(u) for u in sorted([*UNITS, *RATES], key=len, reverse=True))
_SIGNS = "|".join(re.escape(c) for c in sorted(CURRENCIES, key=len, reverse=True) if not c.isalpha())
_CODES = "|".join(CURRENCY_CODES)
_OPERATORS = {"+": "加", "-": "减", "*": "乘", "×": "乘", "x": "乘", "X": "乘", "÷": "除以", "=": "等于", "<": "小于",
              ">": "大于", "≈": "约等于", "±": "正负", "≤": "小于等于", "≥": "大于等于", "≠": "不等于"}  # fmt: skip

_SERVICES = r"12306|12315|12333|12345|12348|12366|10086|10010|96110|955\d\d"

RULES: tuple[Rule, ...] = (
    (re.compile(rf"(?<![\d.,A-Za-z第])(?:{_SERVICES})(?![\d.,]|{COUNTED.pattern})"),
     lambda m: numerals.telephone(m[0])),
    (re.compile(rf"(?<![\d.])(\d{{1,2}})[.·](\d{{1,2}})(?={_NAMED.pattern})"),
     lambda m: numerals.digits(m[1] + m[2])),
    (re.compile(r"(?:\(?(?:\+|00)86\)?[- ]?)(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)"),
     lambda m: f"八六 {numerals.grouped_telephone(m[1] + m[2] + m[3])}"),
    (re.compile(r"\+(\d{1,3})[- ](\d{2,5}(?:[- ]\d{2,5}){1,3})(?!\d)"),
     lambda m: " ".join(numerals.telephone(part) for part in (m[1], *re.split("[- ]", m[2])))),
    (re.compile(r"(?<![\d.])(1[3-9]\d)([- ]?)(\d{4})\2(\d{4})(?![\d.])"),
     lambda m: numerals.grouped_telephone(m[1] + m[3] + m[4])),
    (re.compile(r"(?<![\d.])\(?(0(?:10|2\d|[3-9]\d{2}))\)?[- ]?(\d{3,4})[- ]?(\d{4})(?:(?:-|转)(\d{1,4}))?(?![\d.])"),
     lambda m: numerals.grouped_telephone(m[1] + m[2] + m[3]) + (f" 转{numerals.telephone(m[4])}" if m[4] else "")),
    (re.compile(r"(?<![\d.])([48]00)-?(\d{3})-?(\d{4})(?![\d.])"),
     lambda m: numerals.grouped_telephone(m[1] + m[2] + m[3])),
    (re.compile(r"(?<![\d.])(\d{1,2})'([0-5]\d)(?:\"|'')"),
     lambda m: f"{numerals.cardinal(m[1])}分{numerals.cardinal(m[2])}秒"),
    (re.compile(rf"({_SIGNS})\s?({NUMBER})\s?((?:[百千]?[万亿]|[百千])?[元块]?)"), _money),
    (re.compile(rf"{_START}({NUMBER})\s?({_CODES})(?![A-Za-z])"),
     lambda m: numerals.rounded(m[1]) + CURRENCY_CODES[m[2]]),
    (re.compile(rf"(?<![A-Za-z])({_CODES})\s?({NUMBER})"), lambda m: numerals.rounded(m[2]) + CURRENCY_CODES[m[1]]),
    (re.compile(rf"{_START}({NUMBER})%?{_TO}({NUMBER})%"), _percent_range),
    (re.compile(rf"(?<![\dA-Za-z.])(-)?({NUMBER})([%‰])"), _percent),
    (re.compile(rf"(?<![\dA-Za-z.])(-)?({NUMBER})\s?(℃|°C|℉|°F|(?<=℃)度)"), _temperature),
    (re.compile(rf"{_START}({NUMBER})°\s?(\d{{1,2}})[′'’](?:\s?({NUMBER})[″\"”])?"), _angle),
    (re.compile(r"(?<![\d.])\d{1,5}(?:\.\d{1,5}){2,5}(?![\d.])"), _versions),
    (re.compile(r"(?<![\d.])(\d{1,6})((?:-\d{1,6}){2,6})(?![\d-])"),
     lambda m: "杠".join(numerals.code(part) for part in m[0].split("-"))),
    (re.compile(rf"{_START}({NUMBER})\s?({_UNIT}){_TO}({NUMBER})\s?(\2)(?![A-Za-z])"),
     lambda m: f"{counted(m[1], UNITS.get(m[2], m[2]))}到{counted(m[3], UNITS.get(m[2], m[2]))}"),
    (re.compile(rf"{_START}(\d+(?:\.\d+)?)~(\d+(?:\.\d+)?)"),
     lambda m: f"{_pair_word(numerals.decimal(m[1]), _after(m))}到{m[2]}"),
    (re.compile(r"(?<=[图表例题])(\d{1,2})-(\d{1,2})(?![\d-])"),
     lambda m: f"{numerals.cardinal(m[1])}杠{numerals.cardinal(m[2])}"),
    (re.compile(r"(?<=[歼轰运直强风舟娥征斗问宫舰])-(?=\d{1,3}(?![\d.%℃°]))"), lambda m: ""),
    (re.compile(rf"{_START}(\d{{1,6}}(?:\.\d+)?)\s?-\s?(\d{{1,6}}(?:\.\d+)?)(?![\d.]|\s?=)"), _score_or_range),
    (re.compile(rf"{_START}(\d{{1,6}}(?:\.\d{{1,3}})?):(\d{{1,9}}(?:\.\d{{1,3}})?)(?![\d:])"),
     lambda m: f"{numerals.decimal(m[1])}比{numerals.decimal(m[2])}"),
    (re.compile(rf"{_START}(\d{{2,3}})/(\d{{2,3}})\s?(?:mmHg|毫米汞柱)"),
     lambda m: f"{numerals.cardinal(m[1])}、{numerals.cardinal(m[2])}毫米汞柱"),
    (re.compile(r"(?<=血压)([是为:：]?)(\d{2,3})/(\d{2,3})"),
     lambda m: f"{m[1]}{numerals.cardinal(m[2])}、{numerals.cardinal(m[3])}"),
    (re.compile(rf"{_START}(?:24/7|7/24)(?!\d)"), lambda m: "七乘二十四"),
    (re.compile(rf"{_START}(\d{{1,4}})/(\d{{1,4}})(?![\d/])"),
     lambda m: f"{numerals.cardinal(m[2])}分之{numerals.cardinal(m[1])}"),
    (re.compile(r"(?<![\dA-Za-z.])(480|540|720|1080|1440|2160|4320)([pPiI])(?![A-Za-z])"),
     lambda m: numerals.digits(m[1]) + m[2]),
    (re.compile(r"(?<![\d.:])(0\d)(?![\d.:])"), lambda m: numerals.digits(m[1])),
    (re.compile(rf"{_START}({NUMBER}|[A-Za-z])\^(-?\d{{1,3}})"), _power),
    (re.compile(rf"{_START}({NUMBER})\s?({_UNIT})(?![A-Za-z0-9])"), _with_unit),
    (re.compile(r"(?<![\d.A-Za-z+-])(?<!\d,)\d{3,}(?![\d.A-Za-z]|,\d)"), _long_number),
    (re.compile(r"(?<=\d)\s?([-])\s?(?=\d+\s?=)"), lambda m: "减"),
    (re.compile(r"(?<=[\d\w)])\s?([+*×x÷=<>≈±≤≥≠])\s?(?=\d)"), lambda m: _OPERATORS[m[1]]),
    (re.compile(r"(?<=\d)\s?=\s?"), lambda m: "等于"),
)  # fmt: skip
