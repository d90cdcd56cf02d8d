"""The phone table of the PinYin voices, and how a syllable is spelled in it.

Source: the order of the 140 phones and the two-phones-a-syllable scheme are those of KAN-TTS @66202d0
(`languages/PinYin`), as described in docs/frontend.md. The spelling is computed here: an initial (or one of
the onsets ga, ge, go for syllables that begin with a vowel) and a final; the Mandarin phones end in `_c`,
the ARPAbet ones stand bare.
"""

from __future__ import annotations

import re

from tingshuo.errors import InvalidRequest

_PLAIN = (
    "a ai an ang ao b c ch d e ei en eng er f g h i ia ian iang iao ie ih ii in ing io iong iou j k l m n o ong ou "
    "p q r s sh t u ua uai uan uang uei uen ueng uo v van ve vn xx z zh w y"
).split()
_ONSETS = ("ga", "ge", "go")
_ARPABET = (
    "aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"
).split()
_ERHUA = (
    "air angr anr aor ar eir engr enr iangr ianr iaor iar ier ihr iir ingr inr iongr iour ir ongr or our uair uangr "
    "uanr uar ueir uenr uor ur vanr ver vnr vr"
).split()

BREAKS = ("#1", "#2", "#3", "#4")
#: In the order of the embedding rows of the official checkpoints; the breaks follow the phones.
PHONES = (*(p + "_c" for p in _PLAIN), *_ONSETS, *_ARPABET, *(p + "_c" for p in _ERHUA), "pau")
SYMBOLS = (*PHONES, *BREAKS)
TONES = ("tone1", "tone_none", "tone4", "tone2", "tone3", "tone5", "tone0")
SYLLABLE_FLAGS = ("s_begin", "s_end", "s_none", "s_both", "s_middle")
WORD_SEGMENTS = ("word_begin", "word_end", "word_middle", "word_both", "word_none")

ARPABET = frozenset(_ARPABET)
ARPABET_VOWELS = frozenset("aa ae ah ao aw ay eh er ey ih iy ow oy uh uw".split())
_FINALS = frozenset(_PLAIN)
_ERHUA_FINALS = frozenset(_ERHUA)
_INITIAL = re.compile(r"zh|ch|sh|[bpmfdtnlgkhjqxzcsryw]")
_SYLLABLE = re.compile(r"([a-zê]{1,7})([1-5])")
#: Finals that pinyin writes short after an initial.
_LONG = {"iu": "iou", "ui": "uei", "un": "uen", "ue": "ve"}
#: Interjections that pinyin writes without a vowel: the nearest syllable that the voices know.
_VOWELLESS = {"n": "en", "ng": "en", "m": "mu", "hm": "hen", "hng": "heng", "ê": "ei"}


def split_syllable(syllable: str) -> tuple[str, int]:
    """`("hair", 2)` for `hair2`. Raises `InvalidRequest` where it is no syllable of Mandarin."""
    match = _SYLLABLE.fullmatch(syllable.strip().lower().replace("u:", "v").replace("ü", "v"))
    if match is None or _spell(match[1]) is None:
        raise InvalidRequest(
            f"{syllable!r} is not a pinyin syllable with a tone from 1 to 5, such as hao3, lv4 or huar1"
        )
    return match[1], int(match[2])


def syllable_phones(syllable: str) -> tuple[tuple[str, str], str]:
    """The two phones and the tone of a pinyin syllable: `(("h_c", "ao_c"), "tone3")` for `hao3`."""
    base, tone = split_syllable(syllable)
    phones = _spell(base)
    if phones is None:
        raise InvalidRequest(f"{syllable!r} is not a pinyin syllable")
    return phones, f"tone{tone}"


def has_erhua(base: str) -> bool:
    """Whether `base` (no tone) has a phone of its own when 儿 is merged into it."""
    return not base.endswith("r") and _spell(base + "r") is not None and _spell(base) is not None


def _spell(base: str) -> tuple[str, str] | None:
    base = _VOWELLESS.get(base, base)
    if base.endswith("r") and base not in ("er", "r"):
        return _spell_erhua(base)
    return _compose(base, _FINALS)


def _spell_erhua(base: str) -> tuple[str, str] | None:
    onset, final = _onset_and_final(base[:-1])
    final += "r"
    return _pair(onset, final) if onset and onset not in _ONSETS and (final in _ERHUA_FINALS or final == "er") else None


def _compose(base: str, finals: frozenset[str]) -> tuple[str, str] | None:
    onset, final = _onset_and_final(base)
    # A final alone (u4, iong1) is spelt with w or y in pinyin, and the table has no phone for its missing onset.
    return _pair(onset, final) if onset and final in finals else None


def _pair(onset: str, final: str) -> tuple[str, str]:
    return (onset if onset in _ONSETS else onset + "_c"), final + "_c"


def _onset_and_final(base: str) -> tuple[str, str]:
    match = _INITIAL.match(base)
    if match is None:
        return f"g{base[:1]}" if base[:1] in ("a", "e", "o") else "", base
    initial, final = match[0], base[match.end() :]
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        return initial, "ih"
    if final == "i" and initial in ("z", "c", "s"):
        return initial, "ii"
    if initial in ("j", "q", "x", "y") and final.startswith("u"):
        final = "v" + final[1:]
    final = _LONG.get(final, final) if initial not in ("y", "w") else final
    return ("xx" if initial == "x" else initial), final
