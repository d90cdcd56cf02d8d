"""Written text -> words: numbers, dates, signs and traditional characters spelled out as they are spoken.

Order: fold widths and accents, traditional to simplified, dates, amounts, codes, plain numbers, signs. Text is
taken in chunks of at most `CHUNK` characters, so the work is linear in its length whatever the rules do.
Sources: our own rules; wetext 0.1.8 for units that they do not list and for traditional characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tingshuo_sambert_hifigan.frontend import amounts, dates, numerals
from tingshuo_sambert_hifigan.frontend.amounts import NUMBER
from tingshuo_sambert_hifigan.frontend.characters import fold, settle
from tingshuo_sambert_hifigan.frontend.dates import Rule
from tingshuo_sambert_hifigan.frontend.measures import MEASURE_WORDS, by_grammar
from tingshuo_sambert_hifigan.frontend.traditional import simplified

CHUNK = 400
_BOUNDARY = re.compile(r"(?<=[。！？；!?;\n])")


def _address(match: re.Match[str]) -> str:
    """Mail and web addresses: the scheme is not spoken, `.` is 点, `/` 斜杠, `@` at."""
    text = re.sub(r"^(?:https?|ftp)://", "", match[0]).rstrip("/.")
    for sign, name in (
        ("@", " at "),
        (".", " 点 "),
        ("/", " 斜杠 "),
        ("-", " 杠 "),
        ("_", " 下划线 "),
        (":", " 冒号 "),
    ):
        text = text.replace(sign, name)
    return re.sub(r"\d+", lambda m: numerals.digits(m[0]), re.sub(r"[?=&%#~+]", " ", text))


def _letter_code(match: re.Match[str]) -> str:
    letters, number = match[1], match[2]
    whole, _, fraction = number.partition(".")
    spoken = numerals.code(whole) + (f"点{numerals.digits(fraction)}" if fraction else "")
    return f"{letters}{spoken}"


def _number_then_letters(match: re.Match[str]) -> str:
    number, letters = match[1], match[2]
    known = by_grammar(number + letters) if len(letters) > 1 and len(number) < 9 else None
    return known or numerals.decimal(number) + letters


def _listed(match: re.Match[str]) -> str:
    return f"{match[1]}{numerals.cardinal(match[2])}，"


def _plate(match: re.Match[str]) -> str:
    """A licence plate: 京A一二三四五; its letters one by one."""
    spoken = re.sub(r"[A-Z]", lambda m: f"{m[0]} ", match[3])
    if spoken[0].isalpha():
        return f"{match[1]}{match[2]} {numerals.digits(spoken)}".replace(" 零", "零")
    return f"{match[1]}{match[2]}{numerals.digits(spoken)}"


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
#: A lone ² or ³ is left for the units (m²).
_EXPONENT = re.compile(r"(?<=[\w)])(?![²³](?![⁰¹²³⁴⁵⁶⁷⁸⁹⁻]))[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]{1,3}")
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_ROMAN = {"I": 1, "V": 5, "X": 10}


def _roman(match: re.Match[str]) -> str:
    values = [_ROMAN[letter] for letter in match[1]]
    total = sum(-v if v < max(values[at:]) else v for at, v in enumerate(values))
    return numerals.cardinal(str(total))


_RULES: tuple[Rule, ...] = (
    (re.compile(r"(?:https?://|www\.)[\w./?=&%#~:+@-]{1,300}", re.ASCII), _address),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII), _address),
    (re.compile(r"(?<![\w.-])(?:[a-zA-Z][\w-]{0,62}\.){1,4}"
                r"(?:com|cn|net|org|io|ai|gov|edu|info|dev)(?![A-Za-z])(?:/[\w./-]{0,200})?", re.ASCII),
     _address),
    (re.compile(r"(^|\s)(\d{1,2})(?:[.)]\s|[.)、])(?=[^\d\s.])"), _listed),
    (re.compile(r"(?<![A-Za-z])([IVX]{1,5})(?=[期型类度相部卷章册级世代区号](?!\w*[A-Za-z]))"), _roman),
    (re.compile(rf"([{_PROVINCES}])([A-Z])[·. ]?((?=\w*\d)[A-Z0-9]{{5,6}})(?![A-Za-z0-9])"), _plate),
    (re.compile(r"(?<=比分)([是为：:]?\s?)(\d{1,3}):(\d{1,3})(?![\d:])"),
     lambda m: f"{m[1]}{numerals.cardinal(m[2])}比{numerals.cardinal(m[3])}"),
    *dates.RULES,
    *amounts.RULES,
    (re.compile(r"(?<![A-Za-z])No\.?\s?(?=\d)"), lambda m: "number "),
    (re.compile(r"(?<![A-Za-z])([A-Za-z]{1,12})[- ]?(?<=[A-Za-z-])(\d{1,12}(?:\.\d{1,6})?)(?![\d.]*\d)"), _letter_code),
    (re.compile(rf"(?<![A-Za-z])([A-Z][A-Za-z]{{1,11}}) (\d{{3,4}})(?!\d|00|[\d.,]*\s?(?:{MEASURE_WORDS}|[A-Za-z%]))"),
     lambda m: f"{m[1]} {m[2] if m[2].endswith('00') else numerals.digits(m[2])}"),
    (re.compile(rf"(?<![\d.])({NUMBER})([A-Za-z]{{1,12}})"), _number_then_letters),
    (re.compile(rf"(?<![\d.第])(?<!-)2(?=(?:多|来)?(?:{MEASURE_WORDS}))(?!\d)"), lambda m: "两"),
    (re.compile(rf"(?<![\w)\d.])-(?={NUMBER})"), lambda m: "负"),
    (re.compile(rf"(?<![\w)\d.+])\+(?={NUMBER}(?![\d-]))"), lambda m: "正"),
    (re.compile(r"(?<![A-Za-z0-9#&])#(\d{1,4})(?![A-Za-z0-9#号])"), lambda m: f"{m[1]}号"),
    (re.compile(r"(?<![\d.])([1-9])([1-9])(?=折(?!腾|磨|叠))"), lambda m: numerals.digits(m[0])),
    (re.compile(rf"(?<![\d.]){NUMBER}"), lambda m: numerals.decimal(m[0])),
    (re.compile(r"\d+"), lambda m: numerals.digits(m[0])),
    (re.compile(r"(?<=[\u4e00-\u9fff])\s?~\s?(?=[\u4e00-\u9fff])"), lambda m: "到"),
    (re.compile(r"(?<![A-Za-z])([CF])#"), lambda m: f"{m[1]} sharp"),
    (re.compile(r"(?<![A-Za-z\d.])\.NET(?![A-Za-z])"), lambda m: "dot net"),
    (re.compile(r"(?<=[A-Za-z])\+\+"), lambda m: "加加"),
    (re.compile(r"(?<=[A-Za-z])\s?&\s?(?=[A-Za-z])"), lambda m: " and "),
    (re.compile(r"&"), lambda m: "和"),
    (re.compile(r"(?<=[\w\u4e00-\u9fff])\s?([+=<>])\s?(?=[\w\u4e00-\u9fff])"),
     lambda m: {"+": "加", "=": "等于", "<": "小于", ">": "大于"}[m[1]]),
    (re.compile(r"(?<=[零一二三四五六七八九十百千万亿])\+(?=$|[^\w+])"), lambda m: "加"),
    (re.compile(r"(?<=[\w)])([²³])"), lambda m: "的平方" if m[1] == "²" else "的立方"),
    (re.compile(r"@"), lambda m: " at "),
    (re.compile(r"(?<=[\u4e00-\u9fffA-Za-z])/(?=[\u4e00-\u9fffA-Za-z])"), lambda m: "、"),
    (re.compile(r"(\.{3,}|。{2,}|…+)"), lambda m: "…"),
    (re.compile(r"-{2,}|—+"), lambda m: "—"),
    (re.compile(r"(?<=[A-Za-z\u4e00-\u9fff])\.(?=\s|$|[\u4e00-\u9fff])"), lambda m: "。"),
    (re.compile(r"(?<![A-Za-z])'|'(?![A-Za-z])"), lambda m: " "),
    (re.compile(r"[ \t]+"), lambda m: " "),
)  # fmt: skip


def chunks(text: str) -> Iterator[str]:
    """Pieces of at most `CHUNK` characters, cut behind a sentence mark where there is one, never inside a number."""
    for sentence in _BOUNDARY.split(text):
        while len(sentence) > CHUNK:
            cut = CHUNK
            while cut > CHUNK // 2 and sentence[cut - 1].isascii() and sentence[cut].isascii():
                cut -= 1
            yield sentence[:cut]
            sentence = sentence[cut:]
        if sentence:
            yield sentence


def _normalise_chunk(chunk: str) -> str:
    for pattern, reading in _RULES:
        chunk = pattern.sub(reading, chunk)
    return settle(chunk)


_SPACE = re.compile(r" {2,}| (?=[，。！？；：、…—])|(?<=[，。！？；：、…—]) ")


def normalise(text: str) -> str:
    """`text` as it is spoken, in simplified characters, Latin words and the marks ，。！？；：、…— alone.

    Raises `UnsupportedLanguage` at a letter that is neither Chinese nor Latin nor Greek.
    """
    plain = simplified(fold(_EXPONENT.sub(lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)))
    return _SPACE.sub(lambda m: " " if len(m[0]) > 1 else "", "".join(map(_normalise_chunk, chunks(plain)))).strip()
