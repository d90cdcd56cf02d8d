# SPDX-License-Identifier: Apache-2.0
"""What the voice's training speech says: sentences of the front end, until every toned syllable has come often enough.

Most come from the recogniser's templates and dictionary in `starter/sensevoice`; syllables that are rare there are
strung together to words of two and three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from dictionary import Dictionary
from slots import ENGLISH_CITIES, ENGLISH_NAMES
from text import Sentences

from tingshuo.errors import InvalidRequest
from tingshuo_sambert_hifigan.frontend import FrontEnd
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord
from tingshuo_sambert_hifigan.frontend.readings import of_character
from tingshuo_sambert_hifigan.frontend.words import Word

#: A syllable for every final with 儿 in it.
ERHUA = (
    "bar4 dair4 panr2 gangr1 haor4 ger1 beir4 menr2 dengr4 pir2 jiar1 dianr3 liangr4 niaor3 yer4 bier2 zhir1 cir4 "
    "xinr4 yingr3 qiongr2 qiur2 mor4 dongr4 dour4 tur2 huar1 kuair4 wanr2 guangr1 huir4 gunr4 wengr4 huor2 yuanr4 "
    "juer2 qunr2 yur2 renr2 gair4 shir4 hair2 xiaor3 jiur3 gunr1"
).split()
ROOT = Path(__file__).resolve().parents[2]
#: Sentences that measure must never be learned.
HELD_OUT = ("tests/e2e/sentences_zh.txt", "tests/e2e/sentences_en.txt", "starter/sensevoice/dev_zh.txt")
PHONES = (5, 66)  # of a sentence
ENGLISH, MIXED, STRUNG = 0.18, 0.06, 0.12  # shares of the sentences
FRAMES = (
    "我在用{}写东西。|你喜欢{}吗？|这个{}很好用。|他昨天去了{}。|请打开{}，谢谢。|{}是什么意思？|我们学校有一个{}。|帮我找一下{}。|"
    "我的朋友叫{}。|她说{}不太难。|从{}到北京要多久？|今天的{}真不错。"
).split("|")


class Texts:
    """Draws the sentences of the corpus."""

    def __init__(self, seed: int, english: float = ENGLISH) -> None:
        self.rng, self.share = Random(seed), english
        self.front_end = FrontEnd()
        self.mandarin, self.english, self.dictionary = Sentences("zh"), Sentences("en"), Dictionary()
        self.held_out = {line.strip() for name in HELD_OUT for line in (ROOT / name).read_text("utf-8").splitlines()}
        self.wanted = sorted(syllables_in_use(self.dictionary.frequency) | set(ERHUA))
        self.count: Counter[str] = Counter()

    def sentences(self) -> Iterator[list[ProsodicWord]]:
        """Sentences without end."""
        while True:
            if self.rng.random() < STRUNG * (1 - self.share):
                yield self._strung()
                continue
            text = self._text()
            if text in self.held_out:
                continue
            try:
                found = [sentence for span in self.front_end.spans(text) for sentence in self.front_end.sentences(span)]
            except InvalidRequest:
                continue
            for sentence in found:
                if PHONES[0] <= phones(sentence) <= PHONES[1]:
                    self._counted(sentence)
                    yield sentence

    def _text(self) -> str:
        at = self.rng.random()
        if at < self.share:
            single = self.rng.random() < 0.25
            words = (self.english.single_word(self.rng) for _ in range(self.rng.randint(2, 6)))
            return " ".join(words) if single else self.english.draw(self.rng)
        if at < self.share + MIXED:
            names = self.english.words, ENGLISH_CITIES, ENGLISH_NAMES
            return self.rng.choice(FRAMES).format(self.rng.choice(self.rng.choice(names)))
        return self.dictionary.draw(self.rng) if self.rng.random() < 0.4 else self.mandarin.draw(self.rng)

    def _counted(self, sentence: Sequence[ProsodicWord]) -> None:
        self.count.update(syllable for prosodic in sentence for word in prosodic.words for syllable in word.syllables)

    def _strung(self) -> list[ProsodicWord]:
        """Words of the rarest syllables so far."""
        rarest = sorted(self.wanted, key=lambda syllable: (self.count[syllable], self.rng.random()))
        chosen = rarest[: self.rng.randint(5, 11)]
        self.rng.shuffle(chosen)
        sentence: list[ProsodicWord] = []
        while chosen:
            size = self.rng.choice((1, 2, 2, 3))
            own, chosen = chosen[:size], chosen[size:]
            if own[0].endswith("5") and len(own) > 1:
                own.reverse()
            level = self.rng.choice((1, 1, 1, 2, 3)) if chosen else 4
            sentence.append(ProsodicWord([Word("", syllables=own)], level))
        self._counted(sentence)
        return sentence


def syllables_in_use(characters: Iterable[str]) -> set[str]:
    """The toned syllables of the characters, as the front end reads them inside words."""
    found: set[str] = set()
    for character in characters:
        try:
            found.add(of_character(character, inside=True))
        except InvalidRequest:
            continue
    return found


def phones(sentence: Sequence[ProsodicWord]) -> int:
    """How many phones it has."""
    words = [word for prosodic in sentence for word in prosodic.words]
    return sum(2 * len(word.syllables) + sum(map(len, word.english)) for word in words)
