"""Prosodic words -> the symbol line that the acoustic model reads.

A token is `{phone$tone$syllable flag$word segment$emotion$speaker}` (KAN-TTS @66202d0, PinYin). The only line of the
official front end that is public stamps break tokens with emotion_none; `break_emotion` changes that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tingshuo_sambert_hifigan.frontend.phones import syllable_phones
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord
from tingshuo_sambert_hifigan.frontend.words import Phones, Word


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every token of a line carries: rows of the emotion and of the speaker table."""

    emotion: str = "neutral"
    speaker: str = "F7"
    break_emotion: str = "none"


def _flag(at: int, size: int) -> str:
    if size == 1:
        return "s_both"
    return "s_begin" if at == 0 else "s_end" if at == size - 1 else "s_middle"


def _segment(at: int, size: int) -> str:
    if size == 1:
        return "word_both"
    return "word_begin" if at == 0 else "word_end" if at == size - 1 else "word_middle"


def _english_syllable(phones: Phones) -> tuple[list[str], str]:
    """Bare lower-case phones, and the tone: 1 for primary stress, 0 for all else."""
    stressed = any(phone.endswith("1") for phone in phones)
    return [phone.rstrip("012").lower() for phone in phones], "tone1" if stressed else "tone0"


def _syllables(word: Word) -> Iterator[tuple[Sequence[str], str]]:
    for syllable in word.syllables:
        yield syllable_phones(syllable)
    for phones in word.english:
        yield _english_syllable(phones)


def line(words: Sequence[ProsodicWord], stamp: Stamp) -> str:
    """One sentence as one line, tokens separated by spaces; it ends with #4."""
    tokens: list[str] = []
    for prosodic in words:
        phones = [
            (phone, tone, _flag(at, len(syllable)))
            for word in prosodic.words
            for syllable, tone in _syllables(word)
            for at, phone in enumerate(syllable)
        ]
        tokens += [
            f"{{{phone}${tone}${flag}${_segment(at, len(phones))}$emotion_{stamp.emotion}${stamp.speaker}}}"
            for at, (phone, tone, flag) in enumerate(phones)
        ]
        tokens.append(f"{{#{prosodic.level}$tone_none$s_none$word_none$emotion_{stamp.break_emotion}${stamp.speaker}}}")
    return " ".join(tokens)
