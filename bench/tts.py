"""Synthesis beside KAN-TTS, the reference, on the same weights, symbol lines and threads, in one run.

    python bench/tts.py [--reference DIR] [--model DIR] [--threads 1 2] [--seconds 1 5 20] [--clock wall|cpu]
    python bench/tts.py --soak 1000

Without --model a voice of the official 16 kHz size with random weights is measured; speed does not depend on their
values. --reference: a checkout of KAN-TTS; without it only ours is measured. --clock cpu counts the seconds of all
threads, for a machine that has other work. Prints the tables of docs/performance.md.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from kan_tts import Floats, KanTts, voice_folder

from tingshuo_sambert_hifigan.directory import open_model
from tingshuo_sambert_hifigan.loading import load_voice
from tingshuo_sambert_hifigan.random_voice import OFFICIAL_ACOUSTIC, OFFICIAL_VOCODER, write_model, write_voice
from tingshuo_sambert_hifigan.streaming import STREAMED, WHOLE, Steps
from tingshuo_sambert_hifigan.tables import PHONES
from tingshuo_sambert_hifigan.voice import LoadedVoice, Style, batches

ROUNDS = 3
#: Of the text that is spoken beside the single lines, as long as the longest of them.
SENTENCES = 5
#: Symbols of a second of speech at six frames a symbol and 80 frames a second.
SYMBOLS = 80 / 6
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def symbol_line(seconds: float, seed: int = 0) -> str:
    """A symbol line of about so many seconds."""
    phones = [phone for phone in PHONES["PinYin"] if phone.endswith("_c")]
    chosen = np.random.default_rng(seed).choice(phones, max(1, round(seconds * SYMBOLS)))
    return " ".join(f"{{{phone}$tone1$s_both$word_both$emotion_neutral$F7}}" for phone in chosen)


def load(model: Path, precision: torch.dtype = torch.float32) -> LoadedVoice:
    """The first voice of a model directory."""
    directory = open_model(model)
    return load_voice(directory.voice(directory.names[0]), torch.device("cpu"), precision).voice


def speak(voice: LoadedVoice, lines: Sequence[str], steps: Steps = WHOLE) -> Floats:
    """All samples of the lines."""
    return np.concatenate([piece for _, piece in voice.speak(lines, Style(), steps)])


@torch.inference_mode()
def acoustic(voice: LoadedVoice, lines: Sequence[str]) -> None:
    """Runs the acoustic model alone, on as many lines at once as `LoadedVoice.speak` takes."""
    for _, batch in batches([voice.line(line, Style()) for line in lines]):
        for mels in voice.mels(voice.plan(batch, Style())):
            for _ in mels:
                pass


@torch.inference_mode()
def decoder(voice: LoadedVoice, line: str, clock: Callable[[], float]) -> float:
    """Seconds of one decoder step."""
    plan = voice.plan([voice.line(line, Style())], Style())[0]
    start = clock()
    steps = sum(1 for _ in voice.acoustic.decode([plan], voice.stepper))
    return (clock() - start) / steps


def seconds(calls: Sequence[Callable[[], object]], clock: Callable[[], float]) -> list[float]:
    """Median over `ROUNDS` of each call's time, the calls in turn, so that a busy moment meets all of them."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, times in zip(calls, taken, strict=True):
            start = clock()
            call()
            times.append(clock() - start)
    return [median(times) for times in taken]


def compare(
    model: Path, reference: Path | None, lines: Sequence[str], threads: int, clock: Callable[[], float]
) -> None:
    """Prints the rows for one text, a sentence a line, and number of threads."""
    torch.set_num_threads(threads)
    voice = load(model)
    half = replace(voice, vocoder=load(model, torch.bfloat16).vocoder)
    samples, step = speak(voice, lines), decoder(voice, lines[0], clock) * 1e3
    notes = [f"{step:.2f} ms a decoder step", "", "a trial found bf16 not worth it", ""]
    if half.vocoder.precision != torch.float32:
        notes[2] = f"{signal_to_error(samples, speak(half, lines)):.0f} dB above the error"
    calls: dict[str, Callable[[], object]] = {
        "ours, acoustic model": lambda: acoustic(voice, lines),
        "ours, whole": lambda: speak(voice, lines),
        "ours, whole, bf16 vocoder": lambda: speak(half, lines),
        "ours, first piece of a stream": lambda: next(iter(voice.speak(lines, Style(), STREAMED))),
    }
    if reference is not None:
        upstream = KanTts(reference, voice_folder(model))
        notes[1] = f"differs by {np.abs(upstream.speak(lines) - samples).max():.0e}"
        calls["KAN-TTS, acoustic model"] = lambda: [upstream.mel(line) for line in lines]
        calls["KAN-TTS, whole"] = lambda: upstream.speak(lines)
        notes += ["", ""]
    found = dict(zip(calls, seconds(list(calls.values()), clock), strict=True))
    for (name, taken), note in zip(found.items(), notes, strict=True):
        theirs = found.get("KAN-TTS, " + name.split(", ")[1], found.get("KAN-TTS, whole", 0.0))
        times = f"{theirs / taken:.1f}" if theirs else ""
        audio = f"{len(samples) / voice.sample_rate:.2f} s" + (f", {len(lines)} sentences" if len(lines) > 1 else "")
        print(f"| {audio} | {threads} | {name} | {taken:.3f} | {times} | {note} |")


def signal_to_error(wanted: Floats, found: Floats) -> float:
    """Decibels between what is wanted and how far what was found is from it."""
    return float(10 * np.log10(np.square(wanted).mean() / np.square(wanted - found).mean()))


def memory(model: Path, reference: Path | None, length: float) -> None:
    """Speaks a line once and prints the peak of this process's memory in MB."""
    torch.set_num_threads(1)
    if reference is None:
        speak(load(model), [symbol_line(length)])
    else:
        KanTts(reference, voice_folder(model)).speak([symbol_line(length)])
    # Not getrusage: its peak counts the process that started this one too.
    status = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text("ascii").splitlines())
    print(f"{int(status['VmHWM'].split()[0]) / 1024:.0f}")


def peak(model: Path, reference: Path | None, length: float) -> str:
    """What `memory` prints in a process of its own."""
    command = [sys.executable, __file__, "--model", str(model), "--seconds", str(length), "--memory"]
    command += ["--reference", str(reference)] if reference else []
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def resident() -> float:
    """MB of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def soak(model: Path, count: int) -> None:
    """Speaks `count` lines of 0.4 to 3 s one after the other, then eight lines in eight threads."""
    torch.set_num_threads(1)
    voice, rng = load(model), np.random.default_rng(0)
    lines = [symbol_line(length, seed) for seed, length in enumerate(rng.uniform(0.4, 3.0, 64))]
    begun, audio, sizes = time.perf_counter(), 0.0, []
    for index in range(count):
        audio += len(speak(voice, [lines[int(rng.integers(64))]], (WHOLE, STREAMED)[index % 2])) / voice.sample_rate
        if index % 50 == 49:
            sizes.append(resident())
    taken = time.perf_counter() - begun
    settled = sizes[len(sizes) // 5 :]
    spread = (max(settled) - min(settled)) / min(settled) * 100
    print(f"{count} syntheses, {audio:.0f} s of audio in {taken:.0f} s, none failed")
    print(f"memory after a fifth of them {settled[0]:.0f} MB, at the end {settled[-1]:.0f} MB, spread {spread:.1f} %")
    alone = [speak(voice, [line]) for line in lines[:8]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda line: speak(voice, [line]), lines[:8]))
    same = all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    print(f"eight threads at once give the same samples as one: {same}")


def measure(model: Path, given: argparse.Namespace) -> None:
    if given.memory:
        memory(model, given.reference, given.seconds[0])
        return
    if given.soak:
        soak(model, given.soak)
        return
    longest = max(given.seconds)
    print(f"torch {torch.__version__}, {given.clock} seconds, median of {ROUNDS}\n")
    print("| audio | threads | variant | seconds | times KAN-TTS | |\n|---|---|---|---|---|---|")
    for threads in given.threads:
        for length in given.seconds:
            compare(model, given.reference, [symbol_line(length)], threads, CLOCKS[given.clock])
        # As texts are: several sentences, which our acoustic model takes together from the second on.
        text = [symbol_line(longest / SENTENCES, seed) for seed in range(SENTENCES)]
        compare(model, given.reference, text, threads, CLOCKS[given.clock])
    print(f"\npeak memory for {longest:g} s: ours {peak(model, None, longest)} MB", end="")
    print(f", KAN-TTS {peak(model, given.reference, longest)} MB" if given.reference else "")


def main() -> None:
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        # As the product runs; NumPy, which is imported by now, reads it only once.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, help="a checkout of KAN-TTS")
    parser.add_argument("--model", type=Path, help="a model directory")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 5.0, 20.0])
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--soak", type=int, default=0, help="this many syntheses instead")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.model:
        measure(given.model, given)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder))
        write_voice(Path(folder) / "voices" / "random", OFFICIAL_ACOUSTIC, OFFICIAL_VOCODER)
        measure(Path(folder), given)


if __name__ == "__main__":
    main()
