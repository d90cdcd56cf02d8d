"""Readings of characters that have several, beside pypinyin and, where it is installed, g2pM.

    python bench/polyphones.py test.sent test.lb

The files are those of the CPP corpus (https://github.com/kakaobrain/g2pM, folder data): a sentence a line with one
character between two ▁, and its reading on the same line of the other file. All are given the run of Chinese
characters around that character. Third tones count as right before and after sandhi. Prints the table of
docs/performance.md; --faults FILE writes what was read otherwise.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from pypinyin import Style, lazy_pinyin

from tingshuo_sambert_hifigan.frontend import FrontEnd


class Case(NamedTuple):
    """A clause, the index of its character in question, and that character's reading."""

    text: str
    at: int
    reading: str


Reader = Callable[[str, int], str]


def cases(sentences: Path, labels: Path) -> Iterator[Case]:
    """Every sentence once."""
    seen = set()
    lines = zip(sentences.read_text("utf-8").splitlines(), labels.read_text("utf-8").splitlines(), strict=True)
    for sentence, reading in lines:
        if sentence in seen:
            continue
        seen.add(sentence)
        before, char, after = sentence.split("▁")
        head, tail = re.search("[\u4e00-\u9fff]*$", before), re.match("[\u4e00-\u9fff]*", after)
        assert head
        assert tail
        yield Case(head[0] + char + tail[0], len(head[0]), reading.replace("u:", "v"))


def ours() -> Reader:
    """The front end, all of it."""
    front_end = FrontEnd()

    def read(text: str, at: int) -> str:
        for sentence in (
            sentence for span in front_end.spans(text, ssml=False) for sentence in front_end.sentences(span)
        ):
            for word in (word for prosodic in sentence for word in prosodic.words):
                if at < len(word.text):
                    return word.syllables[min(at, len(word.syllables) - 1)]
                at -= len(word.text)
        return ""

    return read


def phrases(text: str, at: int) -> str:
    """Pypinyin's phrase dictionary, by itself."""
    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return syllables[at].replace("ü", "v")


def network() -> Reader:
    """g2pM's bidirectional LSTM, which was trained on the same corpus."""
    from g2pM import G2pM

    model = G2pM()
    return lambda text, at: str(model(text, char_split=True)[at]).replace("u:", "v")


def same(read: str, reading: str) -> bool:
    """Whether a reading is the right one; a third tone may have become a second one before another."""
    return read == reading or (reading[-1] == "3" and read == f"{reading[:-1]}2")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--faults", type=Path)
    arguments = parser.parse_args()
    readers: dict[str, Reader] = {"tingshuo": ours(), "pypinyin": phrases}
    if find_spec("g2pM"):
        readers["g2pM"] = network()
    right: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    faults = []
    for case in cases(arguments.sentences, arguments.labels):
        char = case.text[case.at]
        total[char] += 1
        for name, reader in readers.items():
            read = reader(case.text, case.at)
            right[name][char] += same(read, case.reading)
            if name == "tingshuo" and not same(read, case.reading):
                faults.append(f"{char}\t{case.reading}\t{read}\t{case.text}\n")
    if arguments.faults:
        arguments.faults.write_text("".join(sorted(faults)), "utf-8")
    print(f"{total.total():,} sentences, {len(total)} characters\n")
    print("| | sentences read right | mean over characters |\n|---|---|---|")
    for name, counts in right.items():
        mean = sum(counts[char] / total[char] for char in total) / len(total)
        print(f"| {name} | {counts.total() / total.total():.1%} | {mean:.1%} |")


if __name__ == "__main__":
    main()
