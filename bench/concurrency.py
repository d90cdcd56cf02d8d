"""How many calls should run at once on an engine, and with how many threads each.

    python bench/concurrency.py [--engine sensevoice] [--calls 24] [--at-once 1,2,4] [--threads 1,2]

Calls go through `Engines`, as those of the API do. Prints one row for each pair: calls per second, the median and the
slowest call, CPU seconds per call, and how late the event loop of the same process was at the 99th percentile, asked
every 5 ms. Settings of the engine come from the environment, e.g. TINGSHUO_SENSEVOICE_MODEL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import torch

from tingshuo import Settings, TranscribeOptions, Utterance
from tingshuo.audio import resample
from tingshuo.cancellation import Cancellation
from tingshuo.engines import Engines

TEXT = "请问地铁站怎么走？我已经等了半个小时了。"
#: Seconds between two looks at the event loop.
BEAT = 0.005


@dataclass(frozen=True, slots=True)
class Row:
    """What one pair of settings gave; seconds."""

    calls_per_second: float
    median_call: float
    slowest_call: float
    cpu_per_call: float
    loop_p99: float


def measured(engine: str, at_once: int, threads: int, calls: int) -> Row:
    """`calls` calls, `at_once` of them at a time in `threads` threads each."""
    if engine != "espeak":  # it has no threads to set
        os.environ[f"TINGSHUO_{engine.upper()}_THREADS"] = str(threads)
    torch.set_num_threads(threads)
    engines = Engines(Settings(engine_concurrency=at_once, engine_queue=calls + 1))
    spoken = resample(engines.synthesize(Utterance(TEXT, "cmn"), "espeak"), 16_000)
    hears = any(row.name == engine and row.engine and row.engine.kind == "recognizer" for row in engines.status())

    def call() -> float:
        start = time.perf_counter()
        if hears:
            engines.transcribe(spoken, TranscribeOptions(), engine, cancellation=Cancellation())
        else:
            engines.synthesize(Utterance(TEXT, ""), engine, cancellation=Cancellation())
        return time.perf_counter() - start

    call()
    with ThreadPoolExecutor(at_once) as pool:
        cpu, wall = time.process_time(), time.perf_counter()
        futures = [pool.submit(call) for _ in range(calls)]
        late = asyncio.run(_beats(futures))
        taken, used = time.perf_counter() - wall, time.process_time() - cpu
    engines.close()
    lasted = [future.result() for future in futures]
    return Row(calls / taken, median(lasted), max(lasted), used / calls, sorted(late)[int(0.99 * len(late))])


async def _beats(futures: list[Future[float]]) -> list[float]:
    """How late the event loop was at each look until the calls have ended, in seconds; at least one."""
    late: list[float] = []
    while not late or not all(future.done() for future in futures):
        start = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - start - BEAT)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="sensevoice")
    parser.add_argument("--calls", type=int, default=24)
    parser.add_argument("--at-once", default="1,2,4")
    parser.add_argument("--threads", default="1,2")
    given = parser.parse_args()
    print(f"{given.engine}, {given.calls} calls a row, torch {torch.__version__}, {os.cpu_count()} cores\n")
    print("| at once | threads each | calls/s | median s | slowest s | CPU s per call | event loop late p99, ms |")
    print("|---|---|---|---|---|---|---|")
    for threads in map(int, given.threads.split(",")):
        for at_once in map(int, given.at_once.split(",")):
            row = measured(given.engine, at_once, threads, given.calls)
            print(
                f"| {at_once} | {threads} | {row.calls_per_second:.2f} | {row.median_call:.3f} "
                f"| {row.slowest_call:.3f} | {row.cpu_per_call:.3f} | {1000 * row.loop_p99:.0f} |"
            )


if __name__ == "__main__":
    main()
