# SPDX-License-Identifier: Apache-2.0
"""Sentences for the starter recogniser, expanded from the templates in `text/`.

A file's name begins with its language (`zh_`, `en_`). Its lines are
    # a comment
    @fruit = apple|pear          a slot class of this file; alternatives may hold slots and choices
    I like {fruit} [a lot|].     a template: `{slot}` and inline `[choice|of|text]`, which may be empty
The built-in slots come from `slots.py`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random

import slots

FOLDER = Path(__file__).parent / "text"
MOST_EXPANSIONS = 1e6
SINGLE_WORD = 1.5  # the weight of a word on a line of its own
SLOT = re.compile(r"\{(\w+)\}")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
PUNCTUATION = re.compile(r"[，。？！、；：“”‘’《》…—·,.?!;:\"()（）]")


@dataclass
class Templates:
    """One file's slot classes and templates."""

    language: str
    classes: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def expand(self, text: str, rng: Random, depth: int = 0) -> str:
        """`text` with every slot and choice decided by `rng`. Raises KeyError for an unknown slot."""
        if depth > 20:
            raise ValueError(f"slots refer to each other without end: {text!r}")
        while (found := CHOICE.search(text)) is not None:
            text = text[: found.start()] + rng.choice(found[1].split("|")) + text[found.end() :]
        return SLOT.sub(lambda slot: self._fill(slot[1], rng, depth), text)

    def _fill(self, name: str, rng: Random, depth: int) -> str:
        if name in self.classes:
            return self.expand(rng.choice(self.classes[name]), rng, depth + 1)
        built_in = slots.CHINESE if self.language == "zh" else slots.ENGLISH
        return built_in[name](rng)

    def expansions(self, text: str, depth: int = 0) -> float:
        """About how many sentences `text` can become, capped: what its sampling weight is made of."""
        count = 1.0
        for slot in SLOT.findall(text):
            options = self.classes.get(slot)
            if options is None or depth > 4:
                count *= 20
            else:
                count *= sum(self.expansions(option, depth + 1) for option in options)
        for choice in CHOICE.findall(text):
            count *= choice.count("|") + 1
        return min(count, MOST_EXPANSIONS)


def split_alternatives(text: str) -> list[str]:
    """`a|b[c|d]` -> `a`, `b[c|d]`: the bars outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def read(path: Path) -> Templates:
    """The templates of one file."""
    templates = Templates(path.name.split("_")[0])
    for line in path.read_text("utf-8").splitlines():
        line = line.strip().replace("{year}年", "{year}")  # the slot says 年 itself
        if line.startswith("@"):
            name, _, alternatives = line[1:].partition("=")
            templates.classes[name.strip()] = split_alternatives(alternatives)
        elif line and not line.startswith("#"):
            templates.lines.append(line)
    return templates


class Sentences:
    """Draws sentences of one language from all of its files; a template weighs as the log of what it can become."""

    def __init__(self, language: str, folder: Path = FOLDER) -> None:
        self.items: list[tuple[Templates, str]] = []
        self.words: list[str] = []
        weights: list[float] = []
        for path in sorted(folder.glob(f"{language}_*.txt")):
            templates = read(path)
            for line in templates.lines:
                self.items.append((templates, line))
                if language == "en" and line.isalpha():
                    self.words.append(line)
                weights.append(
                    1 + math.log(templates.expansions(line)) if language == "zh" or not line.isalpha() else SINGLE_WORD
                )
        self.cumulative = list(accumulate(weights))

    def draw(self, rng: Random) -> str:
        """One sentence."""
        at = bisect_left(self.cumulative, rng.random() * self.cumulative[-1])
        templates, line = self.items[at]
        return tidy(templates.expand(line, rng), templates.language)

    def single_word(self, rng: Random) -> str:
        """One of the English words that stand on a line alone."""
        return rng.choice(self.words)

    def characters(self) -> set[str]:
        """Every letter or character that some sentence can contain."""
        return {
            letter
            for templates, _ in self.items
            for options in templates.classes.values()
            for letter in "".join(options)
        } | {letter for _, line in self.items for letter in line}


def tidy(text: str, language: str) -> str:
    """`text` without doubled spaces or marks; a capital first in English, no spaces in Chinese."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"([，。？！、,.?!])[，。？！、,.?!]+", r"\1", text)
    if language == "zh":
        return re.sub(r"(?<![A-Za-z]) | (?![A-Za-z])", "", text).lstrip("，。、")
    text = re.sub(r" ([,.?!])", r"\1", text)
    text = re.sub(r"\b([Aa]) (?=[aeiou])(?!one|uni|use|eu)", r"\1n ", text)
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """`text` as the `woitn` target has it: no punctuation, lower case."""
    return re.sub(r"\s+", " ", PUNCTUATION.sub(" " if text.isascii() else "", text)).strip().lower()
