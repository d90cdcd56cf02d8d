"""Recognition beside `funasr.AutoModel.generate`, on the same weights, clips and threads, in one run.

    python bench/asr.py [--model DIR] [--vad DIR] [--clips 20] [--threads N]

Without --model the starter model is measured; with an official-size directory the figures are those of official
weights, whose speed does not depend on their values. Prints the table of docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median

import numpy as np
import torch

from tingshuo import Audio, Settings, TranscribeOptions, Utterance
from tingshuo.audio import resample
from tingshuo.engines import Engines
from tingshuo_sensevoice.engine import STARTER
from tingshuo_sensevoice.model import Question, load_acoustic_model

SENTENCES = [
    "今天下午我们一起去看电影吧。",
    "请问地铁站怎么走？我已经等了半个小时了。",
    "这件衣服多少钱？",
    "我们公司最近很忙，明天早上八点开会，请您准时参加。",
    "外面下雨了，记得带伞。",
]
ROUNDS = 3


def clips(count: int) -> list[Audio]:
    """Spoken sentences, 16 kHz: two to twelve seconds, some of them several sentences long."""
    engines = Engines(Settings())
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(SENTENCES, rng.integers(1, 4))) for _ in range(count)]
    return [resample(engines.synthesize(Utterance(text, "cmn"), "espeak"), 16000) for text in texts]


def seconds(call: Callable[[Audio], object], audios: Sequence[Audio]) -> float:
    """Median over `ROUNDS` of the time for all clips, after one clip to warm up."""
    call(audios[0])
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for audio in audios:
            call(audio)
        times.append(time.perf_counter() - start)
    return median(times)


def funasr_call(model: Path, vad: Path | None, threads: int) -> Callable[[Audio], object]:
    """`AutoModel.generate` as its users call it, with as many threads as ours."""
    from funasr import AutoModel

    with open(os.devnull, "w") as sink, redirect_stdout(sink):
        found = AutoModel(
            model=str(model),
            vad_model=str(vad) if vad else None,
            device="cpu",
            ncpu=threads,
            disable_update=True,
            disable_pbar=True,
            disable_log=True,
        )
    return lambda audio: found.generate(input=audio.samples, language="auto", use_itn=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER / "SenseVoiceSmall")
    parser.add_argument("--vad", type=Path, default=STARTER / "fsmn-vad")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    audios = clips(given.clips)
    total = sum(audio.duration for audio in audios)

    os.environ |= {"TINGSHUO_SENSEVOICE_MODEL": str(given.model), "TINGSHUO_SENSEVOICE_VAD_MODEL": str(given.vad)}
    acoustic, engines, options = load_acoustic_model(given.model), Engines(Settings()), TranscribeOptions()
    engines.load("sensevoice")  # imports the few funasr modules that AutoModel looks up by name too
    rows = [
        ("funasr generate, no VAD", seconds(funasr_call(given.model, None, given.threads), audios)),
        ("ours, no VAD", seconds(lambda audio: acoustic.hear([audio.samples], [Question()]), audios)),
        ("funasr generate, with VAD", seconds(funasr_call(given.model, given.vad, given.threads), audios)),
        ("ours, with VAD", seconds(lambda audio: engines.transcribe(audio, options, "sensevoice"), audios)),
    ]
    print(f"{len(audios)} clips, {total:.0f} s of audio, {given.threads} threads, torch {torch.__version__}\n")
    print("| variant | x real time | against funasr |\n|---|---|---|")
    for index, (name, taken) in enumerate(rows):
        print(f"| {name} | {total / taken:.1f} | {rows[index // 2 * 2][1] / taken:.2f} |")


if __name__ == "__main__":
    main()
