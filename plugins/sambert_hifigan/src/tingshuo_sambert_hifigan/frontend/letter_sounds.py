"""Letter-to-sound rules for English words that no dictionary has.

Our own, written for names: longest spelling first at each letter, stress on the first vowel of two syllables and
on the last but one of longer words. Not a model of English; it gives every word a plausible sound.
"""

from __future__ import annotations

#: Spelling -> phones; `*` marks a vowel whose stress is set afterwards.
_SPELLINGS = {
    "tion": "SH AH* N", "sion": "ZH AH* N", "ture": "CH ER*", "ight": "AY* T", "ough": "AO*", "augh": "AO* F",
    "eigh": "EY*",
    "tch": "CH", "dge": "JH", "sch": "S K", "igh": "AY*", "eau": "OW*", "ear": "IH* R", "air": "EH* R",
    "our": "AW* ER*",
    "oor": "AO* R", "ire": "AY* ER*", "ure": "Y UH* R", "are": "EH* R", "ore": "AO* R",
    "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G", "wh": "W", "ck": "K", "ng": "NG", "qu": "K W", "kn": "N",
    "wr": "R", "ps": "P S", "zh": "ZH", "ai": "EY*", "ay": "EY*", "au": "AO*", "aw": "AO*", "ea": "IY*", "ee": "IY*",
    "ei": "EY*",
    "eu": "Y UW*", "ew": "Y UW*", "ey": "IY*", "ie": "IY*", "oa": "OW*", "oe": "OW*", "oi": "OY*", "oy": "OY*",
    "oo": "UW*",
    "ou": "AW*", "ow": "OW*", "ue": "UW*", "ui": "UW*", "ar": "AA* R", "er": "ER*", "ir": "ER*", "or": "AO* R",
    "ur": "ER*",
    "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "ll": "L", "mm": "M", "nn": "N", "pp": "P", "rr": "R",
    "ss": "S",
    "tt": "T", "zz": "Z", "ce": "S EH*", "ci": "S IH*", "cy": "S IY*", "ge": "JH EH*", "gi": "JH IH*", "gy": "JH IY*",
    "a": "AE*", "b": "B", "c": "K", "d": "D", "e": "EH*", "f": "F", "g": "G", "h": "HH", "i": "IH*", "j": "JH",
    "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA*", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH*", "v": "V",
    "w": "W",
    "x": "K S", "y": "IY*", "z": "Z",
}  # fmt: skip
#: Before one consonant and a final e the vowel says its name.
_LONG = {"a": "EY*", "e": "IY*", "i": "AY*", "o": "OW*", "u": "UW*", "y": "AY*"}
#: At the end of a word.
_FINAL = {"a": "AH*", "e": "", "o": "OW*", "i": "IY*", "u": "UW*", "y": "IY*", "ce": "S", "ge": "JH", "es": "IY* Z"}
_VOWELS = "aeiouy"


def _next(word: str, at: int) -> tuple[str, int]:
    """The phones of the spelling at `at`, and its length."""
    rest = word[at:]
    if len(rest) <= 2 and at > 0 and rest in _FINAL:
        return _FINAL[rest], len(rest)
    if len(rest) == 3 and rest[0] in _LONG and rest[1] not in _VOWELS + "wxr" and rest[2] == "e":
        return _LONG[rest[0]], 1
    if rest[0] == "y" and at == 0 and rest[1:2] and rest[1] in _VOWELS:
        return "Y", 1
    for length in (4, 3, 2, 1):
        if rest[:length] in _SPELLINGS:
            return _SPELLINGS[rest[:length]], length
    return "", 1


def letters_to_sounds(word: str) -> list[str]:
    """ARPAbet phones of a word of lower-case ASCII letters with at least one vowel letter among them."""
    phones: list[str] = []
    at = 0
    while at < len(word):
        spelled, length = _next(word, at)
        phones += spelled.split()
        at += length
    vowels = [i for i, phone in enumerate(phones) if phone.endswith("*")]
    if not vowels:
        return ["AH1", *phones]
    stressed = vowels[0] if len(vowels) < 3 else vowels[-2]
    return [phone.replace("*", "1" if i == stressed else "0") for i, phone in enumerate(phones)]
