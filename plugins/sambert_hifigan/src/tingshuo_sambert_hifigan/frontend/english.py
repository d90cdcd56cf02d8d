"""English words and letters -> ARPAbet syllables.

Order: the user's lexicon, `WORDS` (names that CMUdict lacks or gets wrong), CMUdict, words joined in camel case,
plurals and possessives of known words, letter by letter for acronyms, letter-to-sound rules for the rest.
Source: CMUdict 0.7b as of the `cmudict` package 1.1.3 (data/cmudict.dict, BSD licence beside it).
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from tingshuo_sambert_hifigan.frontend.letter_sounds import letters_to_sounds
from tingshuo_sambert_hifigan.frontend.phones import ARPABET, ARPABET_VOWELS

Phones = tuple[str, ...]

#: Names of the letters.
LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F", "g": "JH IY1", "h": "EY1 CH",
    "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L", "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1",
    "q": "K Y UW1", "r": "AA1 R", "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1",
    "w": "D AH1 B AH0 L Y UW0", "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
#: Current names and words; acronyms that are spoken as a word.
WORDS = {
    "wechat": "W IY1 CH AE2 T", "wifi": "W AY1 F AY0", "wi": "W AY1", "fi": "F AY1", "app": "AE1 P", "apps": "AE1 P S",
    "iphone": "AY1 F OW2 N", "ios": "AY1 OW2 EH1 S", "ipad": "AY1 P AE2 D", "vlog": "V L AO1 G",
    "emoji": "IH0 M OW1 JH IY0", "chatgpt": "CH AE1 T JH IY1 P IY1 T IY1", "github": "G IH1 T HH AH2 B",
    "python": "P AY1 TH AA0 N", "covid": "K OW1 V IH0 D", "tiktok": "T IH1 K T AA2 K", "nasa": "N AE1 S AH0",
    "nato": "N EY1 T OW0", "unicef": "Y UW1 N AH0 S EH2 F", "opec": "OW1 P EH2 K", "ok": "OW1 K EY1",
    "okay": "OW2 K EY1", "linux": "L IH1 N AH0 K S", "docker": "D AA1 K ER0", "json": "JH EY1 S AH0 N",
    "huawei": "W AA1 W EY0", "xiaomi": "SH AW1 M IY0", "alibaba": "AA2 L IY0 B AA1 B AH0", "taobao": "T AW1 B AW0",
    "openai": "OW1 P AH0 N EY1 AY1", "youtube": "Y UW1 T UW2 B", "google": "G UW1 G AH0 L",
    "podcast": "P AA1 D K AE2 S T", "blog": "B L AO1 G", "email": "IY1 M EY2 L", "online": "AO1 N L AY2 N",
    "cosplay": "K AA1 S P L EY2", "a": "EY1", "bluetooth": "B L UW1 T UW2 TH", "smartphone": "S M AA1 R T F OW2 N",
    "tesla": "T EH1 S L AH0", "the": "DH AH0",
}  # fmt: skip
#: Of this many letters or fewer, a word in capitals that CMUdict lacks or that has no vowel is spelled out.
ACRONYM = 5
#: In capitals these are said as letters although CMUdict has them as words.
_SPELLED = frozenset(
    "it us ai pc tv id ip vip ceo cto cfo coo hr pr pe ps pk qq usb cpu gpu led lcd gps atm nba cba fifa gdp cpi "
    "wto who "
    "imf un eu uk usa mba ppt pdf app3 api sdk ios sql api html http https www url usb xml css gpt ui ux ar vr "
    "xr iot bbc cnn ktv dvd cd dj mv mc ms am pm ad bc dna rna "
    "hiv ct icu cctv bmw byd tcl ibm amd hp aa bb ab ac dc os db ide sim nfc cnc ev suv mpv etc ufo diy ddl ml "
    "nlp asr tts llm"
    .split()
)  # fmt: skip
_PARTS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z']+|[A-Z]+|'")
_ONSETS = frozenset(
    "P R,P L,B R,B L,T R,D R,K R,K L,G R,G L,F R,F L,TH R,SH R,S P,S T,S K,S M,S N,S L,S W,T W,D W,K W,G W,HH W,"
    "P Y,B Y,K Y,G Y,F Y,V Y,M Y,N Y,HH Y,S P R,S P L,S T R,S K R,S K W,S K L".split(",")
)


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, str]:
    """Word -> phones, the first pronunciation of each; comments are dropped."""
    text = (resources.files("tingshuo_sambert_hifigan.frontend") / "data" / "cmudict.dict").read_text("utf-8")
    entries: dict[str, str] = {}
    for line in text.splitlines():
        word, _, phones = line.partition(" ")
        if not word.endswith(")"):
            entries[word] = phones.partition(" #")[0]
    return entries


def is_arpabet(phone: str) -> bool:
    """Whether `phone` is one of the 39, a vowel with its stress digit: `AH0`, `CH`."""
    base = phone.rstrip("012").lower()
    vowel = base in ARPABET_VOWELS
    return base in ARPABET and phone.isascii() and len(phone) == len(base) + (1 if vowel else 0)


def _spell(word: str) -> tuple[Phones, ...]:
    """The names of the letters, each in its own syllables."""
    return tuple(s for letter in word.lower() if letter in LETTERS for s in syllabify(tuple(LETTERS[letter].split())))


def _known(word: str) -> list[str] | None:
    """Phones of a word in lower case, or of the word it is a plural or possessive of; None where it is unknown."""
    phones = WORDS.get(word) or _dictionary().get(word)
    if phones:
        return phones.split()
    for ending in ("'s", "s'", "s"):
        stem = word.removesuffix(ending)
        phones = WORDS.get(stem) or _dictionary().get(stem) if stem != word and len(stem) > 2 else None
        if phones:
            return [*phones.split(), *_plural(phones.split()[-1])]
    return None


def _plural(last: str) -> list[str]:
    if last in ("S", "Z", "SH", "CH", "ZH", "JH"):
        return ["IH0", "Z"]
    return ["S"] if last in ("P", "T", "K", "F", "TH") else ["Z"]


def _is_acronym(word: str) -> bool:
    lower = word.lower()
    if not word.isupper() or lower in WORDS:
        return False
    known = lower in _dictionary()
    return (
        lower in _SPELLED or (len(word) <= ACRONYM and not (known and len(word) > 3)) or not re.search("[AEIOUY]", word)
    )


@lru_cache(maxsize=8192)
def pronounce(word: str) -> tuple[Phones, ...]:
    """Syllables of ARPAbet phones of a word of ASCII letters and apostrophes: `(("HH", "AH0"), ("L", "OW1"))`."""
    if len(word) == 1 or _is_acronym(word):
        return _spell(word)
    known = _known(word.lower())
    if known:
        return syllabify(tuple(known))
    parts = [part.strip("'") for part in _PARTS.findall(word)]
    if len(parts) > 1:
        return tuple(syllable for part in parts if part for syllable in pronounce(part))
    letters = re.sub("[^a-z]", "", word.lower())
    if not re.search("[aeiouy]", letters):
        return _spell(letters)
    return syllabify(tuple(letters_to_sounds(letters)))


def syllabify(phones: Phones) -> tuple[Phones, ...]:
    """Phones in syllables, each with one vowel; consonants go to the following vowel where English allows it."""
    vowels = [i for i, phone in enumerate(phones) if phone[-1].isdigit()]
    cuts = [0]
    for left, right in pairwise(vowels):
        cut = right
        while cut - 1 > left and (cut == right or " ".join(phones[cut - 1 : right]) in _ONSETS):
            cut -= 1
        cuts.append(cut + 1 if phones[cut] == "NG" else cut)
    return tuple(phones[a:b] for a, b in zip(cuts, [*cuts[1:], len(phones)], strict=True))
