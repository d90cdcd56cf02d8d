# SPDX-License-Identifier: Apache-2.0
"""Measure the recogniser on sentences that are in no template.

    python evaluate.py MODEL [--shown 20]

Every sentence of dev_zh.txt and dev_en.txt is spoken with six emotions by eSpeak NG at speed 1, English by two voices;
music and applause come from a seed that training does not use.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import jiwer
import numpy as np
import soxr
import torch
from augment import applause, music
from batches import WITHITN, WOITN
from decode import Decoder, Heard
from pypinyin import lazy_pinyin
from text import plain
from torch import Tensor

from tingshuo_espeak.library import library
from tingshuo_espeak.prosody import parameters, prosody

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "surprised")
HERE = Path(__file__).parent
SOUNDS = 20  # clips of each kind


@dataclass
class Score:
    """Right answers by kind, and pairs of texts to compare."""

    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    confused: Counter[tuple[str, str]] = field(default_factory=Counter)
    characters: list[tuple[str, str]] = field(default_factory=list)
    syllables: list[tuple[str, str]] = field(default_factory=list)
    words: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def report(self) -> str:
        """One figure a line."""
        lines = [f"{name}: {np.mean(found):.3f} of {len(found)}" for name, found in sorted(self.right.items())]
        lines.append(f"CER {error(self.characters):.3f}, toneless syllable error {error(self.syllables):.3f}")
        lines += [f"WER {name} {error(pairs):.3f}" for name, pairs in self.words.items()]
        wrong = [f"{said} as {heard} {count}" for (said, heard), count in self.confused.most_common(8) if said != heard]
        return "\n".join([*lines, "confused: " + ", ".join(wrong)])


def error(pairs: list[tuple[str, str]]) -> float:
    """Word error rate of (said, heard) pairs whose tokens are parted by spaces."""
    return float(jiwer.wer([said for said, _ in pairs], [heard for _, heard in pairs])) if pairs else 0.0


def spoken(voice: str, text: str, emotion: str) -> Tensor:
    """Float samples at 16 kHz."""
    said = library().speak(voice, text, parameters(prosody(emotion)))
    samples = soxr.resample(said.samples.astype(np.float32) / np.float32(32_768), said.sample_rate, 16_000)
    return torch.from_numpy(np.asarray(samples, np.float32))


def score_chinese(decoder: Decoder, score: Score, shown: int) -> None:
    """Every Mandarin sentence with every emotion."""
    for index, line in enumerate((HERE / "dev_zh.txt").read_text("utf-8").splitlines()):
        for emotion in EMOTIONS:
            heard = decoder.hear(spoken("cmn", line, emotion), itn=WITHITN if index % 2 else WOITN)
            said, got = plain(line), plain(heard.text)
            score.characters.append((" ".join(said), " ".join(got)))
            score.syllables.append((" ".join(lazy_pinyin(said)), " ".join(lazy_pinyin(got))))
            note(score, heard, "cmn", "zh", emotion)
            if index < shown and emotion == EMOTIONS[index % len(EMOTIONS)]:
                print(emotion, heard, "|", said)


def note(score: Score, heard: Heard, voice: str, language: str, emotion: str) -> None:
    """Count the tags of one answer."""
    score.right[f"emotion {voice}"].append(heard.emotion == emotion.upper())
    score.right[f"emotion {voice} {emotion}"].append(heard.emotion == emotion.upper())
    score.right[f"language {language} by {voice}"].append(heard.language == language)
    score.right["speech"].append(heard.event == "Speech")
    score.confused[emotion, heard.emotion.lower()] += 1


def score_english(decoder: Decoder, score: Score, shown: int) -> None:
    """Every English sentence with every emotion, by both voices."""
    for index, line in enumerate((HERE / "dev_en.txt").read_text("utf-8").splitlines()):
        for voice in ("en", "en-us"):
            for emotion in EMOTIONS:
                heard = decoder.hear(spoken(voice, line, emotion), itn=WITHITN if index % 2 else WOITN)
                pair = plain(line), plain(heard.text)
                score.words[f"{voice} {emotion}"].append(pair)
                score.words[voice].append(pair)
                note(score, heard, voice, "en", emotion)
                if index < shown and (voice, emotion) == ("en", EMOTIONS[index % len(EMOTIONS)]):
                    print(emotion, heard)


def score_sounds(decoder: Decoder, score: Score) -> None:
    """Music and applause without speech; silence must give no text."""
    rng = np.random.default_rng(987)
    for _ in range(SOUNDS):
        for name, samples in (
            ("BGM", music(rng, 4)),
            ("Applause", applause(rng, 4)),
            ("Event_UNK", np.zeros(32_000, np.float32)),
        ):
            heard = decoder.hear(torch.from_numpy(samples))
            score.right[f"sound {name}"].append(heard.event == name)
            score.right[f"no text in {name}"].append(not heard.text)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--shown", type=int, default=6)
    given = parser.parse_args()
    torch.set_num_threads(1)
    decoder, score = Decoder(given.model), Score()
    score_chinese(decoder, score, given.shown)
    score_english(decoder, score, given.shown)
    score_sounds(decoder, score)
    print(f"after {decoder.spent / 60:.0f} minutes, {decoder.step} steps\n{score.report()}")


if __name__ == "__main__":
    main()
