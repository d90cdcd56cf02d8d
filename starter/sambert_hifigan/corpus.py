# SPDX-License-Identifier: Apache-2.0
"""Training speech of the starter voice: spoken by eSpeak NG, aligned by its own phoneme times, with every emotion.

    python corpus.py OUT --utterances 3600
    python corpus.py OUT --utterances 1400 --first 3600 --english 0.8      more of English, after the first
writes OUT/<number>.npz, one an utterance, and OUT/stats.json. An utterance holds
    line       the symbol line      emotion    its portable name
    duration   int32 [N] frames     mel        float32 [T, 80]
    f0         float32 [T] Hz       voiced     float32 [T]
    pitch      float32 [N]          energy     float32 [N], means over a phone's frames, normalised by stats.json
    samples    int16 [T * 200]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alignment import Misread, speak
from numpy.typing import NDArray
from sound import HOP, RATE, energy, log_mel, pitch, spectrum
from texts import ENGLISH, Texts
from timed_speech import TimedLibrary

from tingshuo_espeak.prosody import parameters, prosody
from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord
from tingshuo_sambert_hifigan.frontend.symbols import Stamp, line

#: Portable emotion -> row of the official table.
EMOTIONS = {
    "neutral": "neutral",
    "happy": "happy",
    "sad": "sad",
    "angry": "angry",
    "fearful": "fear",
    "disgusted": "disgust",
    "surprised": "surprise",
}
VOICELESS = frozenset(
    "#1 #2 #3 #4 b_c p_c d_c t_c g_c k_c f_c h_c j_c q_c xx_c zh_c ch_c sh_c z_c c_c s_c p t k f th s sh ch hh".split()
)
PILOT = 210  # utterances that the statistics are measured on
SEED = 1
FRAMES = (40, 640)  # of an utterance, least and most
STATS = "stats.json"
Job = tuple[int, list[ProsodicWord], str]


def made(library: TimedLibrary, sentence: list[ProsodicWord], emotion: str) -> dict[str, Any]:
    """What an utterance's file holds, but `pitch` and `energy` by frame. Raises `Misread`."""
    aligned = speak(library, sentence, parameters(prosody(emotion)))
    samples = aligned.samples.astype(np.float32) / np.float32(32_768)
    magnitudes = spectrum(torch.from_numpy(samples))
    symbols = line(sentence, Stamp(EMOTIONS[emotion]))
    phones = [token[1:].partition("$")[0] for token in symbols.split()]
    f0, voiced = pitch(samples, np.repeat([phone not in VOICELESS for phone in phones], aligned.durations))
    return {
        "line": symbols,
        "emotion": emotion,
        "duration": aligned.durations,
        "mel": log_mel(magnitudes).T.contiguous().numpy(),
        "f0": f0,
        "voiced": voiced,
        "energy": energy(magnitudes).numpy(),
        "samples": aligned.samples,
    }


def by_phone(frames: NDArray[np.float32], durations: NDArray[np.int32]) -> NDArray[np.float32]:
    """Means [N] of frames [T] over the symbols; 0 where a symbol has no frame."""
    sums = np.diff(np.concatenate([[0.0], np.cumsum(frames)])[np.concatenate([[0], np.cumsum(durations)])])
    return np.where(durations > 0, sums / np.maximum(durations, 1), 0).astype(np.float32)


def statistics(utterances: list[dict[str, Any]]) -> dict[str, float]:
    """Means and standard deviations: f0 over voiced frames, energy over phones' frames."""
    f0 = np.concatenate([one["f0"][one["voiced"] > 0] for one in utterances])
    level = np.concatenate([one["energy"] for one in utterances])
    return {
        "f0_mean": float(f0.mean()),
        "f0_std": float(f0.std()),
        "energy_mean": float(level.mean()),
        "energy_std": float(level.std()),
    }


def normalised(utterance: dict[str, Any], stats: dict[str, float]) -> dict[str, Any]:
    """The utterance with `pitch` and `energy` by phone."""
    durations = utterance["duration"]
    f0 = (utterance["f0"] - np.float32(stats["f0_mean"])) / np.float32(stats["f0_std"])
    level = (utterance["energy"] - np.float32(stats["energy_mean"])) / np.float32(stats["energy_std"])
    return {**utterance, "pitch": by_phone(f0, durations), "energy": by_phone(level, durations)}


_library: TimedLibrary | None = None


def attempt(job: Job) -> tuple[int, dict[str, Any]] | None:
    """A worker's part: the utterance, or None where eSpeak said something else or the length does not suit."""
    global _library
    torch.set_num_threads(1)
    _library = _library or TimedLibrary()
    number, sentence, emotion = job
    try:
        utterance = made(_library, sentence, emotion)
    except Misread:
        return None
    return (number, utterance) if FRAMES[0] <= len(utterance["mel"]) <= FRAMES[1] else None


def write(out: Path, attempts: Iterable[tuple[int, dict[str, Any]] | None], stats: dict[str, float]) -> None:
    """Write the utterances; without `stats`, after measuring them on the first PILOT, or on all if they are fewer."""
    waiting: list[tuple[int, dict[str, Any]]] = []
    frames = refused = 0
    for found in attempts:
        if found is None:
            refused += 1
            continue
        waiting.append(found)
        frames += len(found[1]["mel"])
        if stats or len(waiting) == PILOT:
            stats = _written(out, waiting, stats)
            waiting = []
        if found[0] % 100 == 0:
            print(f"{found[0]} {frames * HOP / RATE / 3600:.2f} h, {refused} refused", flush=True)
    if waiting:
        _written(out, waiting, stats)


def _written(out: Path, utterances: list[tuple[int, dict[str, Any]]], stats: dict[str, float]) -> dict[str, float]:
    if not stats:
        stats = statistics([utterance for _, utterance in utterances])
        (out / STATS).write_text(json.dumps(stats, indent=1), "utf-8")
    for number, utterance in utterances:
        np.savez(out / f"{number:05d}.npz", **normalised(utterance, stats))
    return stats


def main() -> None:
    """Write the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--utterances", type=int, default=3500)
    parser.add_argument("--first", type=int, default=0, help="number of the first utterance")
    parser.add_argument("--english", type=float, default=ENGLISH, help="share of English")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    names = list(EMOTIONS)
    drawn = islice(Texts(SEED + given.first, given.english).sentences(), given.utterances)
    jobs = ((number, sentence, names[number % len(names)]) for number, sentence in enumerate(drawn, given.first))
    # What comes after the first is normalised as that was.
    stats: dict[str, float] = json.loads((given.out / STATS).read_text("utf-8")) if given.first else {}
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        write(given.out, pool.imap(attempt, jobs, chunksize=4), stats)


if __name__ == "__main__":
    main()
