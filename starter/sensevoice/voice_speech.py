# SPDX-License-Identifier: Apache-2.0
"""Training speech by a SAMBERT-HiFiGAN voice, stored as `speech.py` stores eSpeak NG's.

    python voice_speech.py OUT VOICE --utterances 3000 --seed 21     VOICE: a model directory of the official layout
writes OUT/<n>.npy and OUT/<n>.jsonl per part. Texts and emotions are drawn as for eSpeak NG; silence stays at the ends
of some utterances, since the voice has its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from speech import Job, Part, Texts, make, manner

from tingshuo import Emotion, Settings, Utterance
from tingshuo.errors import TingshuoError
from tingshuo_sambert_hifigan.engine import SambertHifigan


def speak(engine: SambertHifigan, text: str, how: dict[str, float | str]) -> NDArray[np.int16]:
    """int16 samples at 16 kHz."""
    utterance = Utterance(
        text=text,
        voice=engine.voices()[0].name,
        emotion=Emotion(str(how["emotion"])),
        intensity=float(how["intensity"]),
        speed=float(how["speed"]),
        pitch=float(how["pitch"]),
    )
    samples = engine.synthesize(utterance).samples
    return np.asarray(np.clip(np.round(samples * np.float32(32_767)), -32_768, 32_767), np.int16)


def generate(job: Job) -> float:
    """Write one part of the corpus; gives its hours."""
    torch.set_num_threads(1)
    rng, texts, part = Random(job.seed), Texts(job.english), Part()
    engine = SambertHifigan(Settings())
    voice = engine.voices()[0].name
    while len(part.rows) < job.count:
        language, text = texts.draw(rng)
        how = manner(rng)
        try:
            samples = speak(engine, text, how)
        except TingshuoError:  # a character without a reading
            continue
        part.add(samples, {"text": text, "language": language, "voice": voice, **how}, "en-us")
    return part.write(job.stem)


def main() -> None:
    """Write the parts, one process a core."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("voice", type=Path)
    arguments.add_argument("--utterances", type=int, default=3000)
    arguments.add_argument("--seed", type=int, default=21)
    arguments.add_argument("--parts", type=int, default=6)
    arguments.add_argument("--english", type=float, default=0.2, help="share of English utterances")
    arguments.add_argument("--processes", type=int)
    given = arguments.parse_args()
    os.environ["TINGSHUO_SAMBERT_HIFIGAN_MODEL"] = str(given.voice.resolve())
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        make(generate, pool, given)


if __name__ == "__main__":
    main()
