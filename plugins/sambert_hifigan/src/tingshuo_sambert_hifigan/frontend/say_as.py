"""`<say-as interpret-as=…>`: a stretch of text read as the kind its author names.

Source of the readings: Alibaba Cloud's SSML page (2025-04), Chinese column. Text that does not have the form of its
kind is read as running text; a kind that is not known is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tingshuo.errors import InvalidRequest
from tingshuo_sambert_hifigan.frontend import numerals
from tingshuo_sambert_hifigan.frontend.characters import NAMED, SPOKEN, fold, is_han
from tingshuo_sambert_hifigan.frontend.measures import UNITS
from tingshuo_sambert_hifigan.frontend.normalise import normalise
from tingshuo_sambert_hifigan.frontend.spans import Piece
from tingshuo_sambert_hifigan.frontend.surnames import surname

_AMOUNT = re.compile(r"(-)?(\d[\d,]*(?:\.\d+)?)")
_RANGE = re.compile(r"(?<=[\d日号月年])\s?[~-]\s?(?=\d)")
_LONG_NUMBER = re.compile(r"\d+")
_SERVICE16 = re.compile(r"(12530|17951|12593)(1\d{2})(\d{4})(\d{4})")
_PHONE = re.compile(
    r"(?P<country>\(?(?:\+|00)?86\)?[- ]?)?(?P<body>[\d() -]{3,24}?)"
    r"(?:\s?(?P<word>-|转|分机号?)\s?(?P<extension>\d{1,4}))?"
)
_AREA = re.compile(r"\(?(0?(?:10|2\d)|0[3-9]\d{2})\)?[- ]?(\d{3,4})[- ]?(\d{4})")
#: Groups of a whole number: the last one is no extension.
_GROUPED = re.compile(r"(?:\(?0\d{2,3}\)?[- ]?)?\d{3,4}[- ]\d{4}")
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))


def _cardinal(text: str) -> str:
    match = _AMOUNT.fullmatch(text.strip())
    return normalise(text) if match is None else ("负" if match[1] else "") + numerals.rounded(match[2])


def _digits(text: str) -> str:
    return normalise(_LONG_NUMBER.sub(lambda m: numerals.digits(m[0]), re.sub(r"(?<=\d)[-–](?=\d)", " ", text)))


def _telephone(text: str) -> str:
    text = text.strip()
    service = _SERVICE16.fullmatch(text)
    if service is not None:
        return " ".join(numerals.telephone(part) for part in service.groups())
    if _GROUPED.fullmatch(text):
        return _local(text)
    match = _PHONE.fullmatch(text)
    if match is None:
        return normalise(numerals.telephone(text))
    out = ["八六"] if match["country"] else []
    out.append(_local(match["body"].strip(" -")))
    if match["extension"]:
        word = "转" if match["word"] in ("-", "转") else match["word"]
        out.append(word + numerals.telephone(match["extension"]))
    return " ".join(out)


def _local(body: str) -> str:
    """A number without country code and extension, in its groups."""
    area = _AREA.fullmatch(body)
    if area is not None:
        return " ".join(numerals.telephone(group) for group in area.groups())
    groups = re.findall(r"\d+", body)
    if len(groups) > 1:
        return " ".join(numerals.telephone(group) for group in groups)
    return numerals.grouped_telephone(groups[0]) if groups else ""


def _address(text: str) -> str:
    text = re.sub(r"(?<=\d)-(?=\d)", "杠", text)
    return normalise(
        _LONG_NUMBER.sub(lambda m: numerals.telephone(m[0]) if len(m[0]) > 2 else numerals.cardinal(m[0]), text)
    )


def _named(char: str) -> str:
    if char.isascii() and char.isalnum():
        return numerals.digits(char.upper())
    return SPOKEN.get(char) or NAMED.get(char) or char


def _characters(text: str) -> str:
    """One by one, with a small pause between; Chinese characters stay together."""
    out = ""
    for char in re.sub(r"…+", "…", text.strip()):
        if char.isspace():
            continue
        out += char if is_han(char) and (not out or is_han(out[-1])) else f" {_named(char)}"
    return normalise(out)


def _date(text: str) -> str:
    text = re.sub(r"(?<!\d)(\d{1,2})-(\d{1,2})-(\d{4})(?!\d)", r"\1/\2/\3", text)
    text = re.sub(r"(?<![\d年])(\d{2})年(?!级)", lambda m: numerals.digits(m[1]) + "年", text)
    parts = re.split(r"\s?~\s?|(?<=[日号月年])-|(?<=[/.]\d{2})-(?=\d{4}[/.])", text)
    month = re.search(r"月$", parts[-1]) is not None
    return normalise("至".join(_date_part(part, month) for part in parts))


def _date_part(part: str, month: bool) -> str:
    part = part.strip()
    short = re.fullmatch(r"(\d{1,2})/(\d{1,2})", part)
    if short:
        return f"{numerals.cardinal(short[1])}月{numerals.cardinal(short[2])}日"
    whole = re.fullmatch(r"(\d{4})[/.-](\d{1,2})", part)
    if whole:
        return numerals.date(whole[1], whole[2])
    part = re.sub(r"(\d{4})(?=年)", lambda m: numerals.year(m[1]), part)
    part = re.sub(r"(?<!\d)(\d{1,2})(?=[月日号])", lambda m: numerals.cardinal(m[1]), part)
    return numerals.cardinal(part) if month and re.fullmatch(r"\d{1,2}", part) else normalise(part)


def _time(text: str) -> str:
    text = re.sub(r"(:\d{2})[点分]", r"\1", text.strip())
    compact = re.fullmatch(r"([01]\d|2[0-4])([0-5]\d)", text)
    return numerals.clock(compact[1], compact[2]) if compact else normalise(text)


def _measure(text: str) -> str:
    text = re.sub(
        rf"(?<=[\d)])\s?({_UNIT})\s?/\s?({_UNIT})(?![A-Za-z])", lambda m: f"{UNITS[m[1]]}每{UNITS[m[2]]}", text
    )
    text = re.sub(rf"(?<=[\u4e00-\u9fff])\s?/\s?({_UNIT})(?![A-Za-z])", lambda m: f"每{UNITS[m[1]]}", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff])\s?/\s?(?=[\u4e00-\u9fff])", "每", text)
    text = re.sub(r"(?<=[\d\w²³㎡])\s?[~-]\s?(?=\d)", "至", text)
    text = re.sub(r"(\d)\s?至", r"\1至", text)
    text = re.sub(r"(?<!\d)(\d[\d,]*)\.0+(?!\d)", r"\1", text)
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", normalise(text))


def _punctuation(text: str) -> str:
    names = [_named(char) for char in re.sub(r"…+", "…", text) if not char.isspace()]
    return normalise(" ".join(names))


_KINDS: dict[str, Callable[[str], str]] = {
    "cardinal": _cardinal, "digits": _digits, "telephone": _telephone, "address": _address, "id": _characters,
    "characters": _characters, "punctuation": _punctuation, "date": _date, "time": _time, "currency": normalise,
    "measure": _measure,
}  # fmt: skip
KINDS = (*_KINDS, "name", "nick")


def say_as(kind: str, text: str) -> tuple[Piece, ...]:
    """`text` as pieces in spoken words. Raises `InvalidRequest` for a kind that is not in `KINDS`."""
    if kind in ("name", "nick"):
        return _name(text)
    if kind not in _KINDS:
        raise InvalidRequest(f"interpret-as={kind!r} is not known; it is one of {', '.join(KINDS)}")
    keep = text.strip() if kind == "punctuation" else fold(text)
    return (Piece(_KINDS[kind](keep), spoken=True),)


def _name(text: str) -> tuple[Piece, ...]:
    """A person's name: one word, the surname in its reading as a surname."""
    text = text.strip()
    reading = surname(text) if text and all(is_han(char) for char in text) else None
    if reading is None:
        return (Piece(text, word=True),)
    length = len(reading.split())
    return tuple(
        piece for piece in (Piece(text[:length], reading=reading), Piece(text[length:], word=True)) if piece.text
    )
