# SPDX-License-Identifier: Apache-2.0
"""English as rows of units of about a syllable's length, for the auxiliary output.

A phoneme lasts hardly longer than one 60 ms feature row, too short for CTC. A consonant and the vowel after it are one
unit here, and so are the consonants and vowels left over; vowels that differ little count as one.
"""

from __future__ import annotations

LIKE = {
    "əʊ": "oʊ", "ɐ": "ə", "ᵻ": "ɪ", "i": "iː", "a": "æ", "ɔ": "ɔː", "ɔːɹ": "ɔː", "ɑːɹ": "ɑː", "ɛɹ": "eə", "ɪɹ": "iə",
    "ʊɹ": "ʊ", "ʊə": "ʊ", "aɪə": "aɪ", "aɪɚ": "aɪ", "ɜː": "ɚ", "ɾ": "d", "n̩": "n",
}  # fmt: skip
CONSONANTS = "t n s d l k ɹ m z ð p w f b v h ɡ j ʃ dʒ tʃ θ ʒ ŋ ʔ".split()
VOWELS = "ɪ ə ɛ aɪ ʌ iː eɪ uː æ ɚ ɒ ɔː ɑː oʊ aʊ əl ʊ iə eə ɔɪ".split()
UNITS = len(CONSONANTS) + len(VOWELS) + len(CONSONANTS) * len(VOWELS)


def units(phonemes: list[str]) -> list[int]:
    """The numbers 1..UNITS of the units of eSpeak's `phonemes`; sounds that English does not have are left out."""
    sounds = [LIKE.get(sound, sound) for sound in phonemes]
    found: list[int] = []
    onset: int | None = None
    for sound in sounds:
        if sound in CONSONANTS:
            if onset is not None:
                found.append(1 + onset)
            onset = CONSONANTS.index(sound)
        elif sound in VOWELS:
            vowel = VOWELS.index(sound)
            pairs = 1 + len(CONSONANTS) + len(VOWELS)
            found.append(1 + len(CONSONANTS) + vowel if onset is None else pairs + onset * len(VOWELS) + vowel)
            onset = None
    return found if onset is None else [*found, 1 + onset]
