# SPDX-License-Identifier: Apache-2.0
"""A sentence of the front end as eSpeak NG is to read it, so that both agree about every phone.

Mandarin goes in as pinyin with tone digits, English as eSpeak's phoneme mnemonics of its American voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tingshuo_sambert_hifigan.frontend.phones import syllable_phones
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord
from tingshuo_sambert_hifigan.frontend.words import Phones

MANDARIN, ENGLISH = "cmn", "en-us"
ONSETS = ("ga", "ge", "go")  # phones that only mark a syllable which begins with its vowel
#: What eSpeak does not read as pinyin: interjections without a vowel, and the final iong behind a consonant.
RESPELLED = {"n": "en", "ng": "en", "m": "mu", "hm": "hen", "hng": "heng", "ê": "ei"}
IONG = {"jiong": "tS;j", "qiong": "tS;hj", "xiong": "S;j"}
CONTOURS = {"1": "55", "2": "35", "3": "214", "4": "51", "5": ""}
MNEMONICS = {
    "aa": "A:", "ae": "a", "ah": "V", "ao": "O:", "aw": "aU", "ay": "aI", "b": "b", "ch": "tS", "d": "d", "dh": "D",
    "eh": "E", "er": "3:", "ey": "eI", "f": "f", "g": "g", "hh": "h", "ih": "I", "iy": "i:", "jh": "dZ", "k": "k",
    "l": "l", "m": "m", "n": "n", "ng": "N", "ow": "oU", "oy": "OI", "p": "p", "r": "r", "s": "s", "sh": "S",
    "t": "t", "th": "T", "uh": "U", "uw": "u:", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "Z",
}  # fmt: skip
UNSTRESSED = {"ah": "@", "er": "3", "ih": "I2", "iy": "i"}
#: A vowel and the r behind it are one phoneme to eSpeak.
COLOURED = {"aa": "A@", "ao": "O@", "eh": "e@", "ih": "i@3", "uh": "U@"}


@dataclass(frozen=True, slots=True)
class Slot:
    """Some of our phones and the part of eSpeak's phonemes that they share.

    words: of eSpeak's, which has one for every pinyin syllable; 0 where the slot is one phoneme of an English word.
    onset: whether the first of the phones is a sound of its own. level: of the break behind, 0 for none.
    """

    phones: int
    words: int = 0
    onset: bool = True
    level: int = 0


@dataclass(slots=True)
class Run:
    """Text for one of eSpeak's voices and the slots in it."""

    voice: str
    text: list[str] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)

    @property
    def spoken(self) -> str:
        """What eSpeak is given."""
        return " ".join(self.text) if self.voice == MANDARIN else f"[[{' '.join(self.text)}]]"


def runs(sentence: Sequence[ProsodicWord]) -> list[Run]:
    """The sentence in stretches of one language."""
    found: list[Run] = []
    for voice, text, slot in _pieces(sentence):
        if not found or found[-1].voice != voice:
            found.append(Run(voice))
        found[-1].text.append(text)
        found[-1].slots.append(slot)
    return found


def _pieces(sentence: Sequence[ProsodicWord]) -> list[tuple[str, str, Slot]]:
    """Voice, text and slot, piece by piece; the text of an English word stands with its first slot."""
    pieces: list[tuple[str, str, Slot]] = []
    for prosodic in sentence:
        for word in prosodic.words:
            pieces += [_mandarin(syllable) for syllable in word.syllables]
            pieces += _english(word.english) if word.english else []
        voice, text, slot = pieces[-1]
        comma = " ," if prosodic.level == 3 and voice == MANDARIN else ""
        pieces[-1] = voice, text + comma, replace(slot, level=prosodic.level)
    return pieces


def _mandarin(syllable: str) -> tuple[str, str, Slot]:
    base, tone = syllable[:-1], syllable[-1]
    erhua = base.endswith("r") and base != "er"
    plain = base[:-1] if erhua else RESPELLED.get(base, base)
    mark = "" if tone == "5" else "'"
    spelled = f"[[{IONG[plain]}{mark}ong{CONTOURS[tone]}]]" if plain in IONG else plain + tone
    (onset, _), _ = syllable_phones(syllable)
    return MANDARIN, spelled + (" er5" if erhua else ""), Slot(2, 2 if erhua else 1, onset not in ONSETS)


def _english(syllables: Sequence[Phones]) -> list[tuple[str, str, Slot]]:
    sounds: list[str] = []
    slots: list[Slot] = []
    for phones in syllables:
        at = 0
        while at < len(phones):
            bare, stress = phones[at].rstrip("012").lower(), phones[at][-1]
            coloured = bare in COLOURED and phones[at + 1 : at + 2] == ("R",)
            plain = UNSTRESSED.get(bare, MNEMONICS[bare]) if stress == "0" else MNEMONICS[bare]
            sounds.append({"1": "'", "2": ","}.get(stress, "") + (COLOURED[bare] if coloured else plain))
            slots.append(Slot(2 if coloured else 1))
            at += slots[-1].phones
    return [(ENGLISH, "" if at else "|".join(sounds), slot) for at, slot in enumerate(slots)]
