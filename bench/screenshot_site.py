"""What bench/webui_screenshots.py takes pictures of: a server of its own, and what is made there through its API."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
import wave
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx2 as httpx

Json: TypeAlias = dict[str, Any]

RATE = 24_000
WAIT_SECONDS = 300.0
SENTENCES = ("今天真高兴，我们去公园吧！", "你怎么又迟到了？", "外面下着雨，他一个人走回家。")

#: Calls: who speaks (0 the agent on the left, 1 the customer on the right), with which emotion, what.
CALLS = {
    "refund.wav": (
        (0, "neutral", "您好，请问有什么可以帮您？"),
        (1, "angry", "我已经等了三天了，我要退款！"),
        (0, "sad", "非常抱歉，让您久等了。"),
        (1, "angry", "你们每次都这样说！"),
        (0, "neutral", "我现在就为您办理退款。"),
        (1, "happy", "好的，谢谢你，今天能到账真好！"),
    ),
    "booking.wav": (
        (0, "happy", "您好，欢迎致电。"),
        (1, "neutral", "我想预约明天上午十点。"),
        (0, "happy", "好的，已经为您预约好了。"),
        (1, "happy", "太好了，谢谢！"),
    ),
    "complaint.wav": (
        (0, "neutral", "您好，请讲。"),
        (1, "disgusted", "你们送来的东西是坏的。"),
        (0, "surprised", "真的吗？我马上查一下。"),
        (1, "angry", "我不要听这些，我要投诉！"),
    ),
    "lost.wav": (
        (1, "fearful", "我的银行卡不见了，怎么办？"),
        (0, "neutral", "请不要着急，我先为您挂失。"),
        (1, "sad", "里面是我全部的钱。"),
    ),
}


class Site:
    """The API of a server, as its first key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=WAIT_SECONDS)

    def post(self, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - httpx checks them
        """The reply to a POST that succeeds."""
        return self.client.post(path, **arguments).raise_for_status()

    def spoken(self, **asked: object) -> array[int]:
        """Samples of a speech, 24 kHz."""
        return array("h", self.post("/v1/audio/speech", json={"response_format": "pcm", **asked}).content)

    def ended(self, job: Json) -> str:
        """The id of a job, once it has succeeded."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            now = self.client.get(f"/v1/jobs/{job['id']}").json()
            if now["status"] == "succeeded":
                return str(now["id"])
            if now["status"] in {"failed", "cancelled"}:
                raise SystemExit(f"{now['kind']} {now['status']}: {now['error_message']}")
            time.sleep(0.3)
        raise SystemExit(f"{job['id']} has not ended in {WAIT_SECONDS:.0f} s")


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """A server on a free port with an empty data folder below `folder`."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TINGSHUO_")}
    environment = {**kept, "TINGSHUO_DATA_DIR": str(folder / "data"), "TINGSHUO_KEEP_AUDIO": "all"}
    log = folder / "server.log"
    command = [str(Path(sys.executable).with_name("tingshuo")), "serve", "--port", str(port)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, log)
        key = re.search(r"ts-[\w-]{20,}", log.read_text("utf-8"))
        assert key, "the first start prints a key"
        yield Site(url, key[0])
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text('utf-8')}")


def recording(site: Site, turns: Sequence[tuple[int, str, str]]) -> bytes:
    """A stereo WAV file of a call, a side on each channel."""
    sides = (array("h"), array("h"))
    for speaker, emotion, text in turns:
        samples = site.spoken(input=text, emotion=emotion, intensity=1.3, pitch=3 * speaker) + array("h", [0]) * RATE
        sides[speaker].extend(samples)
        sides[1 - speaker].extend(array("h", [0]) * len(samples))
    mixed = array("h", [0]) * (2 * len(sides[0]))
    mixed[0::2], mixed[1::2] = sides
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(mixed.tobytes())
    return target.getvalue()


@dataclass(frozen=True)
class Made:
    """What the pages show: ids of jobs, and the folder with the recordings."""

    transcript: str
    speech: str
    runs: tuple[str, str]
    folder: Path


def fill(site: Site, folder: Path) -> Made:
    """Calls with their transcripts, a speech, a batch, round trips, a second key."""
    transcripts = []
    for name, turns in CALLS.items():
        (folder / name).write_bytes(recording(site, turns))
        form = {"kind": "transcription", "language": "zh", "channel": "split", "merge_vad": "false"}
        with (folder / name).open("rb") as file:
            job = site.post("/v1/jobs", data=form, files={"file": (name, file)}).json()
        transcripts.append(site.ended(job))
    speech = site.post("/v1/jobs", json={"kind": "speech", "input": {"input": SENTENCES[0], "emotion": "happy"}}).json()
    inputs = [{"input": text, "emotion": "sad"} for text in SENTENCES]
    site.post("/v1/batches", json={"kind": "speech", "inputs": inputs})
    runs = []
    for engine, voices in (("sambert_hifigan", []), ("espeak", ["cmn"])):
        asked = {"sentences": SENTENCES, "voices": voices, "synthesizer": engine, "language": "zh"}
        runs.append(site.ended(site.post("/v1/jobs", json={"kind": "roundtrip", "input": asked}).json()))
    site.post("/v1/keys", json={"name": "call centre", "scopes": ["transcribe", "jobs"]})
    return Made(transcripts[0], site.ended(speech), (runs[0], runs[1]), folder)
