"""Hotwords: names and terms that the recogniser writes with other characters of the same sound, put right in its text.

Nothing here listens: a hotword takes the place of text that sounds like it. Chinese is compared by toneless pinyin, in
which fewer than half of the syllables may differ by a sound that is often confused; Latin words by their consonants and
the number of changed letters. A word of the dictionary, or a row of very common ones, gives way only where the tones
agree too, and a match that begins or ends within a word is left alone (公式 does not touch 办公室).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tingshuo.errors import InvalidRequest
from tingshuo.hotword_spans import Match, Spelling, Unit, matches, spelling, units
from tingshuo.types import Replacement, Segment, TranscribeOptions, Transcript, Word

#: Hotwords of one request, and characters of one.
MOST_HOTWORDS, LONGEST = 500, 64
#: What a prompt's hotwords stand between; and Han characters and Latin words of a piece that may be one.
_SEPARATORS = re.compile(r"[,，、;；|\n\t]+")
_MOST_HAN, _MOST_LATIN = 12, 5
_MARKS = " .。!！?？:：\"'“”‘’"


def hotwords_of(prompt: str, keywords: Iterable[str] = ()) -> tuple[str, ...]:
    """The hotwords of a request: its keywords, then the short pieces of its prompt, each once.

    A prompt is divided at commas, enumeration commas, semicolons, bars, tabs and line ends; a piece of more than 12 Han
    characters or 5 Latin words is a sentence and left out. Raises `InvalidRequest` for too many or too long ones.
    """
    given = [" ".join(word.split()) for word in keywords]
    for word in given:
        if len(word) > LONGEST:
            raise InvalidRequest(f"the keyword {word[:20]!r}… is longer than {LONGEST} characters", param="keywords")
    pieces = [" ".join(piece.split()).strip(_MARKS) for piece in _SEPARATORS.split(prompt)]
    found = tuple(dict.fromkeys(word for word in (*given, *filter(_is_term, pieces)) if word))
    if len(found) > MOST_HOTWORDS:
        raise InvalidRequest(f"there are {len(found)} hotwords; at most {MOST_HOTWORDS}", param="keywords")
    return found


def _is_term(piece: str) -> bool:
    if len(piece) > LONGEST:  # before it is taken apart: a prompt may be one long piece
        return False
    found = units(piece)
    latin = sum(not unit.han for unit in found)
    return len(found) - latin <= _MOST_HAN and latin <= _MOST_LATIN


class Hotwords:
    """A list of hotwords, ready to be applied to transcripts. The first of two that sound alike wins."""

    def __init__(self, words: Sequence[str]) -> None:
        self._spelling: Spelling = spelling(words)

    def segment(self, segment: Segment) -> Segment:
        """The segment with its text and words put right, and what was replaced."""
        found = [match for match in matches(segment.text, self._spelling) if match.changes(segment.text)]
        if not found:
            return segment
        replacements = tuple(Replacement(segment.text[match.start : match.end], match.hotword) for match in found)
        return replace(
            segment,
            text=_text(segment.text, found),
            words=_words(segment, found),
            replacements=segment.replacements + replacements,
        )

    def transcript(self, transcript: Transcript) -> Transcript:
        """The transcript with all of its segments put right."""
        segments = tuple(self.segment(segment) for segment in transcript.segments)
        text, at = transcript.text, 0
        for before, after in zip(transcript.segments, segments, strict=True):
            begin = text.find(before.text, at)
            if begin >= 0:  # an engine may join its segments in any way
                text = text[:begin] + after.text + text[begin + len(before.text) :]
                at = begin + len(after.text)
        return replace(transcript, text=text, segments=segments)


@lru_cache(maxsize=16)
def _prepared(words: tuple[str, ...]) -> Hotwords:
    # The next request often has the same ones.
    return Hotwords(words)


def corrected(transcript: Transcript, options: TranscribeOptions) -> Transcript:
    """The transcript with the hotwords of `options` in it."""
    return _prepared(options.hotwords).transcript(transcript) if options.hotwords else transcript


def corrected_stream(
    segments: Generator[Segment, None, Transcript], options: TranscribeOptions
) -> Generator[Segment, None, Transcript]:
    """Segments as they come, with the hotwords of `options` in them; the whole is the return value."""
    if not options.hotwords:
        return (yield from segments)
    ready = _prepared(options.hotwords)
    with contextlib.closing(segments):
        while True:
            try:
                segment = next(segments)
            except StopIteration as end:
                whole: Transcript = end.value
                return ready.transcript(whole)
            yield ready.segment(segment)


def _text(text: str, found: Sequence[Match]) -> str:
    for match in reversed(found):
        text = text[: match.start] + match.hotword + text[match.end :]
    return text


# ---- words with times


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word and where in the segment's text it stands."""

    word: Word
    start: int
    end: int


def _words(segment: Segment, found: Sequence[Match]) -> tuple[Word, ...]:
    """The words with the new text: as many as before where it has as many units, else one with their whole time."""
    placed = _placed(segment)
    for match in reversed(found):
        inside = [at for at, one in enumerate(placed) if one.start < match.end and match.start < one.end]
        if inside:
            first, last = inside[0], inside[-1] + 1
            placed[first:last] = _respelled(placed[first:last], match, segment.text)
    return tuple(one.word for one in placed)


def _placed(segment: Segment) -> list[_Placed]:
    placed: list[_Placed] = []
    at = 0
    for word in segment.words:
        begin = segment.text.find(word.text, at)
        begin, length = (at, 0) if begin < 0 else (begin, len(word.text))  # what is not in the text is never replaced
        placed.append(_Placed(word, begin, begin + length))
        at = begin + length
    return placed


def _respelled(inside: Sequence[_Placed], match: Match, text: str) -> list[_Placed]:
    head = text[inside[0].start : max(match.start, inside[0].start)]
    tail = text[min(match.end, inside[-1].end) : inside[-1].end]
    parts = _parts(match.hotword)
    if len(parts) != len(inside):
        scores = [one.word.score for one in inside if one.word.score is not None]
        whole = Word(match.hotword, inside[0].word.start, inside[-1].word.end, min(scores, default=None))
        parts, inside = [match.hotword], [_Placed(whole, inside[0].start, inside[-1].end)]
    parts[0], parts[-1] = head + parts[0], parts[-1] + tail
    return [replace(one, word=replace(one.word, text=part)) for one, part in zip(inside, parts, strict=True)]


def _parts(hotword: str) -> list[str]:
    """The hotword in its units, with the marks between them at the end of the one before."""
    found: list[Unit] = units(hotword)
    ends = [*(unit.start for unit in found[1:]), len(hotword)]
    begins = [0, *ends[:-1]]
    return [hotword[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]
