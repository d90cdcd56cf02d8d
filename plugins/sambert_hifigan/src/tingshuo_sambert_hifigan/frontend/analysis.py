"""Words -> sentences of prosodic words: readings, sandhi, erhua, breaks, in that order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tingshuo_sambert_hifigan.frontend import context, english, erhua, prosody, readings, sandhi
from tingshuo_sambert_hifigan.frontend.prosody import LEVELS, ProsodicWord
from tingshuo_sambert_hifigan.frontend.segment import Segmenter
from tingshuo_sambert_hifigan.frontend.words import Word

#: Phones in a line at most: about 20 seconds of speech, far below the 800 symbols that the models take.
LONGEST_LINE = 200
#: A sentence that is longer is cut at a pause once it has this many phones.
_CUT_FROM = 120
#: Letters of a Latin word at most; nobody's word is longer, a runaway string is cut.
_LONGEST_LATIN = 24


def _cost(word: Word) -> int:
    if word.mark:
        return 0
    if word.english:
        return sum(map(len, word.english))
    return 2 * len(word.syllables or word.text)


def _latin_parts(words: Iterable[Word]) -> Iterator[Word]:
    """Latin words with their sounds; overlong ones in parts."""
    for word in words:
        if word.mark or word.fixed or not word.text.isascii():
            yield word
            continue
        for at in range(0, len(word.text), _LONGEST_LATIN):
            part = word.text[at : at + _LONGEST_LATIN].strip("'")
            if part:
                yield Word(part, english=english.pronounce(part), tag="eng")


def sentences(words: Iterable[Word]) -> Iterator[list[Word]]:
    """The words in sentences no longer than `LONGEST_LINE`, cut at sentence marks, else at pauses, else anywhere."""
    current: list[Word] = []
    cost = 0
    for word in _latin_parts(words):
        if cost + _cost(word) > LONGEST_LINE:
            yield current
            current, cost = [], 0
        current.append(word)
        cost += _cost(word)
        level = LEVELS.get(word.mark, 0)
        if level == 4 or (level >= 2 and word.mark != " " and cost >= _CUT_FROM):
            yield current
            current, cost = [], 0
    if current:
        yield current


def _read(words: Sequence[Word]) -> None:
    """Dictionary readings; a phrase that segmentation cut is looked up whole where its ends fall on word ends."""
    at = 0
    while at < len(words):
        size = _phrase(words, at)
        if size:
            syllables = list(readings.known("".join(word.text for word in words[at : at + size])) or ())
            for word in words[at : at + size]:
                word.syllables, syllables = syllables[: len(word.text)], syllables[len(word.text) :]
            at += size
            continue
        if words[at].han and not words[at].fixed:
            words[at].syllables = readings.of_word(words[at].text)
        at += 1


def _phrase(words: Sequence[Word], at: int) -> int:
    """How many words from `at` are one entry of the dictionaries; 0 where none are."""
    for size in (4, 3, 2):
        part = words[at : at + size]
        if len(part) < size or any(word.fixed or not word.han for word in part):
            continue
        text = "".join(word.text for word in part)
        if 3 <= len(text) <= 8 and readings.known(text):
            return size
    return 0


def analyse(words: Sequence[Word], segmenter: Segmenter) -> list[ProsodicWord]:
    """A sentence with readings, sandhi, erhua and breaks; empty where nothing in it is spoken."""
    _read(words)
    context.resolve(words)
    sandhi.apply(words, segmenter.parts)
    merged = erhua.merge(words)
    prosodic = prosody.sentence(merged)
    for item in prosodic:
        sandhi.join(item.words)
    return prosodic
