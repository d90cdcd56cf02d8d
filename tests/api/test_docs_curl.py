"""Every curl command of the guides, run by a shell against a running server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from live_server import Listen, Live

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Its command asks nginx, with the certificate of one machine: tests/deploy has an nginx of its own.
ELSEWHERE = DOCS / "deployment.md"
PAGES = "\n".join(page.read_text("utf-8") for page in sorted(DOCS.glob("*.md")) if page != ELSEWHERE)
PATIENCE = 60
Wav: TypeAlias = Callable[..., bytes]


def _commands() -> Iterator[str]:
    """The commands in the order of the pages, each on one line."""
    for block in re.findall(r"```sh\n(.*?)```", PAGES, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("curl "):
                yield line


class Desk:
    """What the examples take for granted: files, jobs, a batch and a key to be revoked."""

    def __init__(self, live: Live, folder: Path, speech: bytes, stereo: bytes) -> None:
        self.token = live.token("admin")
        self.client = live.client()
        for name, content in {"hello": speech, "call": stereo, "a": speech, "b": speech}.items():
            (folder / f"{name}.wav").write_bytes(content)
        (folder / "talk.mp4").write_bytes(speech)  # what a file holds is seen from its bytes
        self.speech = speech

    def filled(self, command: str) -> str:
        """The command with names of what there is in this server instead of those of the page."""
        command = command.replace("sambert_hifigan", "tones").replace("engines/sensevoice", "engines/ears")
        if "job_…" in command:
            command = command.replace("job_…", self._job(command))
        if "batch_…" in command:
            body = {"kind": "speech", "inputs": [{"input": "hello"}]}
            command = command.replace("batch_…", self.client.post("/v1/batches", json=body).json()["id"])
        if "key_…" in command:
            body = {"name": "to be revoked", "scopes": ["speak"]}
            command = command.replace("key_…", self.client.post("/v1/keys", json=body).json()["id"])
        return command

    def _job(self, command: str) -> str:
        """A job that has ended: a transcription where its text is asked for, else speech."""
        if any(part in command for part in ("/result", "/transcript", "/highlights")):
            reply = self.client.post("/v1/jobs", data={"kind": "transcription"}, files={"file": ("a.wav", self.speech)})
        else:
            reply = self.client.post("/v1/jobs", json={"kind": "speech", "input": {"input": "hello"}})
        job: str = reply.json()["id"]
        self._await(job)
        return job

    def _await(self, job: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            told: Any = self.client.get(f"/v1/jobs/{job}").json()
            if told["status"] in ("succeeded", "failed", "cancelled"):
                assert told["status"] == "succeeded", told
                return
            time.sleep(0.1)
        raise AssertionError(f"{job} does not end")


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
@pytest.mark.timeout(240)
def test_every_command_is_answered_with_success(listen: Listen, speech: bytes, wav: Wav, tmp_path: Path) -> None:
    live = listen(keep_audio="all")
    stereo = wav([[0.1, -0.1] * 8_000, [0.2, -0.2] * 8_000])
    desk = Desk(live, tmp_path, speech, stereo)
    environment = {**os.environ, "TINGSHUO": live.url, "KEY": desk.token, "no_proxy": "*"}
    wrong = []
    with desk.client:
        for command in _commands():
            # The status goes to where -o does not reach.
            asked = desk.filled(command).replace("curl ", "curl --max-time 60 -w '%{stderr}%{http_code}' ", 1)
            done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, env=environment, capture_output=True)
            if done.returncode or not done.stderr.endswith((b"200", b"201", b"202", b"204")):
                wrong.append(f"{command}\n{done.stderr.decode()[-80:]} {done.stdout.decode(errors='replace')[:300]}")
    assert not wrong, "\n".join(wrong)
    assert len(list(_commands())) > 30
