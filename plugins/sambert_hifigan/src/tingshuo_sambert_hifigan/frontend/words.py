"""A word on its way from characters to symbols."""

from __future__ import annotations

from dataclasses import dataclass, field

Phones = tuple[str, ...]


@dataclass(slots=True)
class Word:
    """What the stages hand on: text, then its syllables, then the break that follows it.

    `syllables`: pinyin with tone digits, one per character until erhua merges two. `english`: ARPAbet syllables
    instead, for Latin words. `mark`: a punctuation mark (then the word has no sound). `fixed`: the reading was
    given by the user; the stages leave it alone.
    """

    text: str
    syllables: list[str] = field(default_factory=list)
    english: tuple[Phones, ...] = ()
    mark: str = ""
    fixed: bool = False
    tag: str = ""
    level: int = 1

    @property
    def spoken(self) -> bool:
        """Whether it has syllables."""
        return bool(self.syllables or self.english)

    @property
    def han(self) -> bool:
        """Whether it is read in pinyin."""
        return not self.mark and not self.english

    @property
    def length(self) -> int:
        """Syllables."""
        return len(self.syllables) or len(self.english)

    @property
    def tone(self) -> int:
        """Tone of the first syllable; 0 where there is none."""
        return int(self.syllables[0][-1]) if self.syllables else 0
