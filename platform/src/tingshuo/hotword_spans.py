"""Which spans of a text sound like a hotword and may give way to it.

A text is cut into units: one Han character or one Latin word each. Hotwords with a Han character lie in a trie whose
edges are coarse syllables (`sounds.alike`), Latin ones in tables by their letters and consonants, so that the time
grows with the length of the text and not with the number of hotwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import Levenshtein

from tingshuo.sounds import alike, consonants, is_han, joined_letters, readings, syllables, toned
from tingshuo.wordlist import divided, frequencies

_UNIT = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af〇]|[A-Za-z0-9\u00c0-\u024f]+(?:['’][A-Za-z]+)*")
#: What may stand between two Latin words of a hotword, and beside a Han character.
_GAP = re.compile(r"[ ·.-]?")
#: Latin letters below which a hotword changes nothing, below which words are not joined to it.
_SHORT, _JOINABLE = 4, 6
#: Latin words heard for one hotword at most.
_MOST_TOKENS = 4
#: Frequency, in the sixty million of the dictionary, from which a word alone is too common to be a slip (他, 是, 里).
_COMMON = 30_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A Han character or a Latin word, `text[start:end]`."""

    text: str
    start: int
    end: int

    @property
    def han(self) -> bool:
        """Whether it has a syllable."""
        return is_han(self.text[0])


@dataclass(frozen=True, slots=True)
class Match:
    """A span that sounds like a hotword. `near` counts syllables that are alike but not the same."""

    start: int
    end: int
    hotword: str
    order: int
    near: int = 0

    def changes(self, text: str) -> bool:
        """Whether the span is written in another way than the hotword."""
        return text[self.start : self.end] != self.hotword

    def rank(self, text: str) -> tuple[bool, int, int, int, int]:
        """What comes first where matches overlap."""
        return (self.changes(text), self.start - self.end, self.near, self.order, self.start)


@dataclass(slots=True)
class _Node:
    """A place in the trie: edges by coarse syllable or Latin word, and the hotwords that end here."""

    edges: dict[str, _Node] = field(default_factory=dict)
    ends: list[_Pattern] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pattern:
    hotword: str
    order: int
    #: The toneless syllable of each Han character, the letters of each Latin word.
    sounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """Hotwords, found by their sound."""

    trie: _Node
    by_letters: dict[str, tuple[str, int]]
    by_consonants: dict[str, list[tuple[str, int]]]


def units(text: str) -> list[Unit]:
    """The Han characters and Latin words of a text in order; marks are left out."""
    return [Unit(found[0], found.start(), found.end()) for found in _UNIT.finditer(text)]


def spelling(hotwords: Sequence[str]) -> Spelling:
    """Hotwords made ready. Those that cannot be applied (one Han character, other scripts, `C++`) are left out."""
    made = Spelling(_Node(), {}, {})
    for order, hotword in enumerate(hotwords):
        found = units(hotword)
        if len("".join(unit.text for unit in found)) != len(re.sub(r"[\s·.-]", "", hotword)):
            continue
        if not any(unit.han for unit in found):
            _add_latin(made, hotword, order, joined_letters([unit.text for unit in found]))
        elif len(found) > 1:
            _add_han(made.trie, _Pattern(hotword, order, tuple(_sounds(found))))
    return made


def _add_latin(made: Spelling, hotword: str, order: int, letters: str) -> None:
    if len(letters) >= _SHORT:
        made.by_letters.setdefault(letters, (hotword, order))
        made.by_consonants.setdefault(consonants(letters), []).append((hotword, order))


def _add_han(node: _Node, pattern: _Pattern) -> None:
    for sound in pattern.sounds:
        node = node.edges.setdefault(alike(sound), _Node())
    node.ends.append(pattern)


def _sounds(found: Sequence[Unit]) -> Iterator[str]:
    """A syllable or a word in lower case a unit; readings are those of the whole run of Han characters."""
    spelled = iter(syllables("".join(unit.text for unit in found if unit.han)))
    for unit in found:
        yield next(spelled) if unit.han else unit.text.casefold()


# ---- searching


def matches(text: str, made: Spelling) -> list[Match]:
    """The spans to put right (or that are right already), in order, none touching another.

    Where two overlap, one that is written like its hotword comes first, then the longer, then the closer one, then the
    hotword given earlier.
    """
    found = units(text)
    heard = list(_sounds(found))
    candidates = [*_han_matches(text, found, heard, made.trie), *_latin_matches(text, found, made)]
    if not candidates:
        return []
    edges = _Edges(text, found)
    chosen: list[Match] = []
    taken = bytearray(len(text))
    for match in sorted(candidates, key=lambda one: one.rank(text)):
        if not any(taken[match.start : match.end]) and (not match.changes(text) or edges.allow(match)):
            chosen.append(match)
            taken[match.start : match.end] = b"\1" * (match.end - match.start)
    return sorted(chosen, key=lambda match: match.start)


def _han_matches(text: str, found: Sequence[Unit], heard: Sequence[str], trie: _Node) -> Iterator[Match]:
    options = [_options(unit, sound) for unit, sound in zip(found, heard, strict=True)]
    for begin in range(len(found)):
        nodes = [trie]
        for at in range(begin, len(found)):
            if at > begin and not _follows(text, found[at - 1], found[at]):
                break
            edges = {alike(sound) for sound in options[at]}
            nodes = [node.edges[edge] for node in nodes for edge in edges if edge in node.edges]
            if not nodes:
                break
            for pattern in (pattern for node in nodes for pattern in node.ends):
                near = sum(sound not in options[begin + step] for step, sound in enumerate(pattern.sounds))
                if near <= (len(pattern.sounds) - 1) // 2:
                    yield Match(found[begin].start, found[at].end, pattern.hotword, pattern.order, near)


def _options(unit: Unit, sound: str) -> frozenset[str]:
    return readings(unit.text) | {sound} if unit.han else frozenset({sound})


def _follows(text: str, before: Unit, after: Unit) -> bool:
    gap = text[before.end : after.start]
    return not gap if before.han and after.han else bool(_GAP.fullmatch(gap))


def _latin_matches(text: str, found: Sequence[Unit], made: Spelling) -> Iterator[Match]:
    if not made.by_letters:
        return
    for begin, first in enumerate(found):
        for count in range(1, _MOST_TOKENS + 1):
            span = found[begin : begin + count]
            last = span[-1]
            if len(span) < count or last.han or (count > 1 and not _follows(text, span[-2], last)):
                break
            letters = joined_letters([unit.text for unit in span])
            for hotword, order in _latin_hotwords(letters, count, made):
                yield Match(first.start, last.end, hotword, order, Levenshtein.distance(letters, joined(hotword)))


def joined(hotword: str) -> str:
    """The letters of a Latin hotword."""
    return joined_letters([unit.text for unit in units(hotword)])


def _latin_hotwords(letters: str, count: int, made: Spelling) -> Iterator[tuple[str, int]]:
    if letters in made.by_letters:
        hotword, order = made.by_letters[letters]
        # `in to` stays two words unless the hotword is long; a lower-case hotword does not take capitals away.
        if (len(units(hotword)) == count or len(letters) >= _JOINABLE) and not hotword.islower():
            yield hotword, order
        return
    sound = consonants(letters)
    if len(sound) < (4 if count > 1 else 2):
        return
    for hotword, order in made.by_consonants.get(sound, ()):
        wanted = joined(hotword)
        most = len(wanted) // 4 if count == len(units(hotword)) == 1 else 3 * len(wanted) // 5
        if Levenshtein.distance(letters, wanted, score_cutoff=most) <= most:
            yield hotword, order


class _Edges:
    """Where the words of a text begin and end, and which of its spans make sense as they are."""

    def __init__(self, text: str, found: Sequence[Unit]) -> None:
        self._text = text
        self._edges: set[int] = set()
        run = ""
        for unit, after in zip(found, [*found[1:], None], strict=True):
            run += unit.text if unit.han else ""
            if run and (after is None or not after.han or after.start != unit.end):
                at = unit.end - len(run)
                for word in divided(run):
                    self._edges.add(at)
                    at += len(word)
                self._edges.add(at)
                run = ""

    def allow(self, match: Match) -> bool:
        """Whether the match cuts through no word and takes the place of nothing that makes sense by itself."""
        heard = self._text[match.start : match.end]
        if not is_han(heard[0]) and not is_han(heard[-1]):
            return True
        for place, letter in ((match.start, heard[0]), (match.end, heard[-1])):
            if is_han(letter) and place not in self._edges:
                return False
        if not all(map(is_han, heard)) or not _makes_sense(heard):
            return True
        return not match.near and toned(heard) == toned(match.hotword)


def _makes_sense(heard: str) -> bool:
    known = frequencies()
    words = divided(heard)
    return (len(words) == 1 and heard in known) or all(known.get(word, 0) >= _COMMON for word in words)
