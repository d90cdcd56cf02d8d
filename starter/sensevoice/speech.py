# SPDX-License-Identifier: Apache-2.0
"""Training speech: sentences spoken by eSpeak NG with every emotion, stored as one int16 array and one index.

    python speech.py OUT --utterances 40000 --seed 1
writes OUT/<n>.npy (int16, 16 kHz, utterances end to end) and OUT/<n>.jsonl (one line an utterance) per part.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import soxr
from dictionary import Dictionary
from numpy.typing import NDArray
from text import Sentences

from tingshuo_espeak.library import library
from tingshuo_espeak.prosody import parameters, prosody

RATE = 16_000
SECONDS = (0.4, 12.0)  # of an utterance, least and most
EMOTIONS = ["neutral", "happy", "sad", "angry", "fearful", "surprised"] * 2 + ["disgusted"]
VARIANTS = ["f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]


class Texts:
    """Draws the sentences of the corpus."""

    def __init__(self, english: float = 0.2) -> None:
        self.english = english
        self.zh, self.en, self.dictionary = Sentences("zh"), Sentences("en"), Dictionary()

    def draw(self, rng: Random) -> tuple[str, str]:
        """(language, sentence): English with the share asked for; a quarter of the Mandarin is from the dictionary."""
        if rng.random() < self.english:
            if rng.random() < 0.15:
                return "en", " ".join(self.en.single_word(rng) for _ in range(rng.randint(2, 7)))
            return "en", self.en.draw(rng)
        if rng.random() < 0.27:
            return "zh", self.dictionary.draw(rng)
        return "zh", self.zh.draw(rng) + (self.zh.draw(rng) if rng.random() < 0.08 else "")


def manner(rng: Random) -> dict[str, float | str]:
    """How one utterance is spoken: mostly the emotion as it is, sometimes with the knobs turned."""
    plain = rng.random() < 0.5
    return {
        "emotion": rng.choice(EMOTIONS),
        "intensity": 1.0 if rng.random() < 0.7 else rng.uniform(0.7, 1.5),
        "speed": 1.0 if plain else rng.uniform(0.87, 1.18),
        "pitch": 0.0 if plain else rng.gauss(0, 0.7),
    }


def voice_of(language: str, rng: Random) -> str:
    """The eSpeak voice, now and then one of its variants."""
    name = "cmn" if language == "zh" else rng.choice(["en", "en-us"])
    return f"{name}+{rng.choice(VARIANTS)}" if rng.random() < 0.12 else name


def speak(text: str, voice: str, how: dict[str, float | str]) -> NDArray[np.int16]:
    """int16 samples at 16 kHz, silence at both ends removed."""
    knobs = parameters(prosody(str(how["emotion"]), float(how["intensity"])), float(how["speed"]), float(how["pitch"]))
    speech = library().speak(voice, text, knobs)
    samples = soxr.resample(speech.samples.astype(np.float32), speech.sample_rate, RATE, quality="HQ")
    loud = np.flatnonzero(np.abs(samples) > 80)
    if len(loud) == 0:
        return np.zeros(0, np.int16)
    cut = samples[max(0, loud[0] - 160) : loud[-1] + 480]
    return np.asarray(np.clip(cut, -32768, 32767), np.int16)


class Part:
    """A part of the corpus while it is made: samples end to end, and a row about each utterance."""

    def __init__(self) -> None:
        self.chunks: list[NDArray[np.int16]] = []
        self.rows: list[dict[str, Any]] = []
        self.length = 0

    def add(self, samples: NDArray[np.int16], row: dict[str, Any], espeak_voice: str) -> None:
        """Keep an utterance unless it is too short or too long; English gets the phonemes of eSpeak's voice."""
        if not SECONDS[0] * RATE <= len(samples) <= SECONDS[1] * RATE:
            return
        if row["language"] == "en":
            row = {**row, "phonemes": library().phonemes(espeak_voice, row["text"])}
        self.rows.append({**row, "at": self.length, "length": len(samples)})
        self.chunks.append(samples)
        self.length += len(samples)

    def write(self, stem: Path) -> float:
        """Write both files; gives the hours in them."""
        np.save(stem.with_suffix(".npy"), np.concatenate(self.chunks))
        lines = (json.dumps(row, ensure_ascii=False) for row in self.rows)
        stem.with_suffix(".jsonl").write_text("\n".join(lines), "utf-8")
        return self.length / RATE / 3600


@dataclass(frozen=True, slots=True)
class Job:
    """A part that a process is to make: where its files go, how many utterances, which seed, the share of English."""

    stem: Path
    count: int
    seed: int
    english: float


def make(generate: Callable[[Job], float], pool: Pool, given: argparse.Namespace) -> None:
    """Have the parts of the corpus made by the processes of a pool."""
    given.out.mkdir(parents=True, exist_ok=True)
    seeds = range(given.seed * 1000, given.seed * 1000 + given.parts)
    jobs = [Job(given.out / str(seed), given.utterances // given.parts, seed, given.english) for seed in seeds]
    for done, hours in enumerate(pool.imap_unordered(generate, jobs), 1):
        print(f"part {done} of {given.parts}: {hours:.2f} h", flush=True)


def generate(job: Job) -> float:
    """Write one part of the corpus; gives its hours."""
    rng, texts, part = Random(job.seed), Texts(job.english), Part()
    while len(part.rows) < job.count:
        language, text = texts.draw(rng)
        how, voice = manner(rng), voice_of(language, rng)
        part.add(speak(text, voice, how), {"text": text, "language": language, "voice": voice, **how}, voice)
    return part.write(job.stem)


def main() -> None:
    """Write the parts, one process a core."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--utterances", type=int, default=40000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--parts", type=int, default=8)
    arguments.add_argument("--english", type=float, default=0.2, help="share of English utterances")
    given = arguments.parse_args()
    with multiprocessing.Pool() as pool:
        make(generate, pool, given)


if __name__ == "__main__":
    main()
