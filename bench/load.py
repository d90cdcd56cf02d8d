"""A server under load: mixed transcription and speech by many clients, or one kind of request against another server.

    python bench/load.py --clients 64 --seconds 300                      # starts a server of its own
    python bench/load.py --url http://127.0.0.1:8000 --key ts-… --clients 64 --seconds 300
    python bench/load.py --clip call.wav --transcribe-only --against http://127.0.0.1:9000 --levels 1,8,32

The first two print latencies (p50, p95, p99 in seconds), throughput, every status seen, the server's memory at the
beginning and the end where it was started here, and the latency of /healthz meanwhile. The last one sends the same clip
to this server and to the other one, any that has POST /v1/audio/transcriptions, and prints the ratios. One JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

SENTENCES = ("今天真高兴！", "你怎么又迟到了？", "我们去公园吧。", "What a wonderful day!", "Where have you been?")
#: Answers that say "too busy", which is no error.
BUSY = (429, 503)
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(slots=True)
class Tally:
    """What the clients saw: seconds by kind of request, statuses, failures to connect."""

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[f"{kind} {status}"] += 1
        if status == 200:
            self.seconds[kind].append(seconds)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, as the value that so many per cent do not exceed."""
    ordered = sorted(values)
    places = {name: min(int(share * len(ordered)), len(ordered) - 1) for name, share in SHARES.items()}
    return {name: round(ordered[place], 4) for name, place in places.items()} if ordered else {}


class Server:
    """The server under load: its address, the key, and the process if it was started here."""

    def __init__(self, url: str, key: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.process = process

    def memory(self) -> int | None:
        """Resident bytes of the process; None for a server started elsewhere."""
        if self.process is None:
            return None
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found.group(1)) * 1024 if found else None


@contextmanager
def started(folder: str) -> Iterator[Server]:
    """A server with a data folder of its own."""
    environment = {**os.environ, "TINGSHUO_DATA_DIR": folder, "TINGSHUO_PORT": "0", "TINGSHUO_PRELOAD": "true"}
    command = [sys.executable, "-m", "tingshuo", "serve", "--log-level", "error"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    told = b""
    while not (key := re.search(rb"\bts-[\w-]{20,}", told)):
        line = process.stdout.readline()
        assert line, "the server did not start"
        told += line
    url = re.search(rb"http://[\d.:]+", told)
    assert url is not None
    try:
        yield Server(url.group().decode(), key.group().decode(), process)
    finally:
        process.terminate()
        process.wait(120)


async def transcribe(client: httpx2.AsyncClient, server: Server, clip: bytes, tally: Tally) -> None:
    """Send the clip."""
    form = {"files": {"file": ("a.wav", clip)}, "data": {"model": "whisper-1"}}
    await _timed(client, server, "transcription", tally, "/v1/audio/transcriptions", **form)


async def speak(client: httpx2.AsyncClient, server: Server, number: int, tally: Tally) -> None:
    """Ask for a sentence."""
    body = {"input": SENTENCES[number % len(SENTENCES)], "response_format": "wav"}
    await _timed(client, server, "speech", tally, "/v1/audio/speech", json=body)


async def _timed(
    client: httpx2.AsyncClient,
    server: Server,
    kind: str,
    tally: Tally,
    path: str,
    **request: Any,  # noqa: ANN401
) -> None:
    start = time.perf_counter()
    try:
        reply = await client.post(f"{server.url}{path}", headers=server.headers, timeout=300, **request)
    except httpx2.TransportError as error:
        tally.statuses[f"{kind} {type(error).__name__}"] += 1
        await asyncio.sleep(1)  # a server that is not there is not asked a thousand times a second
        return
    tally.add(kind, reply.status_code, time.perf_counter() - start)
    if reply.status_code in BUSY:
        await asyncio.sleep(min(float(reply.headers.get("retry-after", "1")), 5.0))


async def _client(server: Server, clip: bytes, number: int, end: float, tally: Tally, *, mixed: bool) -> None:
    async with httpx2.AsyncClient() as client:
        while time.monotonic() < end:
            if mixed and number % 2:
                await speak(client, server, number, tally)
            else:
                await transcribe(client, server, clip, tally)
            number += 1


async def _watch_health(server: Server, end: float, seconds: list[float], memory: list[int]) -> None:
    async with httpx2.AsyncClient() as client:
        while time.monotonic() < end:
            start = time.perf_counter()
            reply = await client.get(f"{server.url}/healthz", timeout=60)
            seconds.append(time.perf_counter() - start if reply.status_code == 200 else 60.0)
            if used := server.memory():
                memory.append(used)
            await asyncio.sleep(0.5)


async def load(server: Server, clip: bytes, clients: int, duration: float, *, mixed: bool) -> dict[str, Any]:
    """What `clients` clients see that ask without a pause for `duration` seconds."""
    tally, health, memory = Tally(), list[float](), list[int]()
    start = time.monotonic()
    end = start + duration
    work = [_client(server, clip, number, end, tally, mixed=mixed) for number in range(clients)]
    watch = [_watch_health(server, end, health, memory)] if mixed else []
    await asyncio.gather(*work, *watch)
    elapsed = time.monotonic() - start
    wrong = {name: count for name, count in tally.statuses.items() if not name.endswith((" 200", " 429", " 503"))}
    tenth = max(len(memory) // 10, 1)
    return {
        "clients": clients,
        "seconds": round(elapsed, 1),
        "statuses": dict(tally.statuses),
        "errors": wrong,
        "latency_seconds": {kind: percentiles(seconds) for kind, seconds in tally.seconds.items()},
        "per_second": {kind: round(len(seconds) / elapsed, 3) for kind, seconds in tally.seconds.items()},
        "healthz_seconds": percentiles(health),
        # After a tenth of the time the models are loaded and the pools are full.
        "memory_mb": {"after_a_tenth": memory[tenth - 1] >> 20, "at_the_end": memory[-1] >> 20} if memory else None,
    }


async def side_by_side(
    server: Server, other: Server, clip: bytes, levels: Sequence[int], seconds: float
) -> list[dict[str, Any]]:
    """Throughput and p95 of both servers at each number of clients, and ours over theirs."""
    rows = []
    async with httpx2.AsyncClient() as client:
        for one in (server, other):
            # The first request may load a model.
            await transcribe(client, one, clip, Tally())
    for clients in levels:
        ours = await load(server, clip, clients, seconds, mixed=False)
        theirs = await load(other, clip, clients, seconds, mixed=False)
        ratio: dict[str, float | None] = {"throughput": None, "p95": None}
        if ours["per_second"] and theirs["per_second"]:
            ratio["throughput"] = round(ours["per_second"]["transcription"] / theirs["per_second"]["transcription"], 3)
            mine, other_p95 = (told["latency_seconds"]["transcription"]["p95"] for told in (ours, theirs))
            ratio["p95"] = round(mine / other_p95, 3)
        rows.append({"clients": clients, "ours": ours, "theirs": theirs, "ours_over_theirs": ratio})
    return rows


def spoken(server: Server) -> bytes:
    """A clip that the server itself says."""
    body = {"input": SENTENCES[0], "response_format": "wav"}
    reply = httpx2.post(f"{server.url}/v1/audio/speech", json=body, headers=server.headers, timeout=300)
    reply.raise_for_status()
    return reply.content


def main() -> int:
    """Parse, load, print; 1 where something but "too busy" went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", help="a server that runs; without it one is started")
    parser.add_argument("--key", default="")
    parser.add_argument("--clip", type=Path, help="what is transcribed; without it the server says it first")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--transcribe-only", action="store_true")
    parser.add_argument("--against", default="", help="another server with POST /v1/audio/transcriptions")
    parser.add_argument("--levels", default="1,8,32", help="with --against: numbers of clients")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        if arguments.url:
            server = Server(arguments.url, arguments.key)
        else:
            server = stack.enter_context(started(stack.enter_context(tempfile.TemporaryDirectory())))
        clip = arguments.clip.read_bytes() if arguments.clip else spoken(server)
        if arguments.against:
            levels = [int(level) for level in arguments.levels.split(",")]
            other = Server(arguments.against.rstrip("/"), "")
            rows = asyncio.run(side_by_side(server, other, clip, levels, arguments.seconds))
            print(json.dumps(rows, indent=1))
            return 0
        mixed = not arguments.transcribe_only
        told = asyncio.run(load(server, clip, arguments.clients, arguments.seconds, mixed=mixed))
    print(json.dumps(told, indent=1))
    return int(bool(told["errors"]))


if __name__ == "__main__":
    sys.exit(main())
