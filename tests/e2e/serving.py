"""A real server in a process of its own, with the real engines and an empty data folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

START_SECONDS = 60.0


@dataclass
class Server:
    """A running `tingshuo serve`: its address, the key it printed, and its process."""

    url: str
    key: str
    data_dir: Path
    process: subprocess.Popen[str]
    environment: dict[str, str]
    log: Path
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.key}"}


def tingshuo(*arguments: str) -> list[str]:
    """The command line of this install, as an argument list."""
    return [str(Path(sys.executable).with_name("tingshuo")), *arguments]


def clean_environment(data_dir: Path) -> dict[str, str]:
    """The environment without its TINGSHUO_* settings, writing to `data_dir`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TINGSHUO_")}
    return {**kept, "TINGSHUO_DATA_DIR": str(data_dir)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text('utf-8')}")


@contextmanager
def running(data_dir: Path, key: str = "", **extra: str) -> Iterator[Server]:
    """A server on a free port until the block ends. A first start prints the key; later ones need it given."""
    url_port, log = free_port(), data_dir.parent / "server.log"
    environment = {**clean_environment(data_dir), **extra}
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            tingshuo("serve", "--port", str(url_port)), env=environment, stdout=output, stderr=output, text=True
        )
    url = f"http://127.0.0.1:{url_port}"
    try:
        _wait_until_healthy(url, process, log)
        printed = re.search(r"ts-[\w-]{20,}", log.read_text("utf-8"))
        yield Server(url, key or (printed[0] if printed else ""), data_dir, process, environment, log)
    finally:
        process.terminate()
        process.wait(40)
