"""The front end: text or SSML in, symbol lines out, every stage to be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from tingshuo.errors import InvalidRequest, LimitExceeded
from tingshuo_sambert_hifigan.frontend.analysis import analyse, sentences
from tingshuo_sambert_hifigan.frontend.characters import is_han
from tingshuo_sambert_hifigan.frontend.lexicon import Lexicon, parse_reading
from tingshuo_sambert_hifigan.frontend.normalise import normalise
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord
from tingshuo_sambert_hifigan.frontend.segment import Segmenter
from tingshuo_sambert_hifigan.frontend.spans import Piece, Span
from tingshuo_sambert_hifigan.frontend.ssml import spans
from tingshuo_sambert_hifigan.frontend.symbols import Stamp, line
from tingshuo_sambert_hifigan.frontend.words import Word

#: Characters of a text at most; longer ones are for the caller to cut.
MAX_TEXT = 100_000


class FrontEnd:
    """Reads Chinese with English in it. `lexicon`: readings of one's own, which win over every rule.

    Thread-safe: it holds nothing that changes after construction.
    """

    def __init__(self, lexicon: Lexicon | Mapping[str, str] | None = None) -> None:
        self.lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon)
        self._segmenter = Segmenter()

    def spans(self, text: str, ssml: bool | None = None) -> list[Span]:
        """The stretches of a text that are spoken in one manner. ssml: None finds out by itself."""
        if len(text) > MAX_TEXT:
            raise LimitExceeded(f"a text of {len(text)} characters; {MAX_TEXT} are read at once")
        return spans(text, ssml)

    def words(self, span: Span) -> Iterator[Word]:
        """The words and marks of a span, normalised and segmented; given readings are in them already."""
        for piece in span.pieces:
            yield from self._words(piece)

    def _words(self, piece: Piece) -> Iterator[Word]:
        if piece.reading:
            syllables, english = parse_reading(piece.reading)
            yield Word(piece.text, syllables=syllables, english=english, fixed=True)
        elif piece.spoken:
            yield from self._segmenter.words(piece.text)
        elif piece.word and piece.text and all(map(is_han, piece.text)):
            yield Word(normalise(piece.text), tag="n")
        else:
            for text, entry in self.lexicon.split(piece.text) if self.lexicon else ((piece.text, False),):
                yield from [self.lexicon.word(text)] if entry else self._segmenter.words(normalise(text))

    def sentences(self, span: Span) -> Iterator[list[ProsodicWord]]:
        """The sentences of a span as prosodic words with breaks; none where nothing in it is spoken."""
        for sentence in sentences(self.words(span)):
            prosodic = analyse(sentence, self._segmenter)
            if prosodic:
                yield prosodic

    def lines(self, span: Span, stamp: Stamp) -> list[str]:
        """One symbol line per sentence of a span, all stamped alike."""
        return [line(sentence, stamp) for sentence in self.sentences(span)]

    def to_symbols(
        self,
        text: str,
        *,
        emotion: str = "neutral",
        speaker: str = "F7",
        break_emotion: str = "none",
        ssml: bool | None = None,
    ) -> list[str]:
        """One symbol line per sentence; an `<emotion>` of the text wins over `emotion`.

        Raises `InvalidRequest` where nothing in the text can be spoken, or something in it cannot.
        """
        out: list[str] = []
        for span in self.spans(text, ssml):
            out += self.lines(span, Stamp(span.style.emotion or emotion, speaker, break_emotion))
        if not out:
            raise InvalidRequest(f"there is nothing to speak in {text[:40]!r}")
        return out

    def stages(self, text: str, ssml: bool | None = None) -> dict[str, str | list[str]]:
        """What each stage made of a text: `normalized`, `segmented`, `pinyin`, `symbols`.

        `pinyin`: syllables after sandhi and erhua, English in capitals as ARPAbet. `segmented`: words parted by
        spaces. `symbols`: one line per sentence.
        """
        found = self.spans(text, ssml)
        words = [list(self.words(span)) for span in found]
        prosodic = [sentence for span in found for sentence in self.sentences(span)]
        return {
            "normalized": "".join(joined(part) for part in words),
            "segmented": " ".join(word.text for part in words for word in part if word.text.strip()),
            "pinyin": " ".join(syllable for sentence in prosodic for syllable in _spoken(sentence)),
            "symbols": self.to_symbols(text, ssml=ssml),
        }


def joined(words: Iterable[Word]) -> str:
    """Words as one text, with a space between Latin ones."""
    out = ""
    for word in words:
        gap = out[-1:].isascii() and out[-1:].isalnum() and word.text[:1].isascii() and word.text[:1].isalnum()
        out += (" " if gap else "") + word.text
    return out.strip()


def _spoken(sentence: list[ProsodicWord]) -> Iterator[str]:
    for prosodic in sentence:
        for word in prosodic.words:
            yield from word.syllables
            for phones in word.english:
                yield from phones


@lru_cache(maxsize=1)
def default() -> FrontEnd:
    """The front end without a lexicon, made once."""
    return FrontEnd()
