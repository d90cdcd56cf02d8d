"""What tests of the API do over and over: send a file, wait for a job, read events and errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
from live_server import PATIENCE


def send(client: httpx2.Client, content: bytes, name: str = "call.wav", **fields: Any) -> httpx2.Response:
    """Have a file transcribed."""
    return client.post("/v1/audio/transcriptions", files={"file": (name, content)}, data=fields)


def ended_job(client: httpx2.Client, job: str = "") -> Any:
    """The job, or the newest one, once it has ended."""
    deadline = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < deadline:
        found = client.get(f"/v1/jobs/{job}").json() if job else next(iter(client.get("/v1/jobs").json()["data"]), None)
        if found and found["status"] not in ("queued", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"the job goes on: {found}")


def events(reply: httpx2.Response) -> Iterator[Any]:
    """The documents of a stream of server-sent events, as they come."""
    for line in reply.iter_lines():
        if line:
            yield json.loads(line.removeprefix("data: "))


def refusal(reply: httpx2.Response) -> tuple[int, Any, Any]:
    """Status, parameter and code of an error, which has the four members of the envelope and no other."""
    error = reply.json()["error"]
    assert sorted(error) == ["code", "message", "param", "type"]
    return reply.status_code, error["param"], error["code"]
