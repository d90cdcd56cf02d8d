"""How `tingshuo serve` and gunicorn end: announced by /readyz, requests in progress finished, exit code 0."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tingshuo import auth, db
from tingshuo.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
Wav: TypeAlias = Callable[..., Path]
COMMANDS = {
    "serve": ["tingshuo", "serve"],
    "gunicorn": ["gunicorn", "-c", f"{ROOT}/deploy/gunicorn.conf.py", "tingshuo.gunicorn_worker:application()"],
}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Running:
    """A server process, an admin key for it, and what it writes to stderr."""

    def __init__(self, command: str, environment: dict[str, str], **variables: str) -> None:
        data_dir = Path(environment["TINGSHUO_DATA_DIR"])
        settings = load_settings(data_dir=data_dir)
        db.upgrade(settings)
        self.key = auth.create_key(settings, "test", ["admin"])[1]
        db.dispose(settings)
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = data_dir.parent / f"{command}.log"
        bin_dir = Path(sys.executable).parent
        program, *arguments = COMMANDS[command]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(bin_dir / program), *arguments],
                env={**environment, "TINGSHUO_PORT": str(port), **variables},
                stdout=log,
                stderr=log,
            )

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=60) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def wait_until_ready(self) -> None:
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)

    def transcribe(self, content: bytes) -> str:
        edge = "edge"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        request = urllib.request.Request(
            f"{self.url}/v1/audio/transcriptions",
            head.encode() + content + f"\r\n--{edge}--\r\n".encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": f"multipart/form-data; boundary={edge}"},
        )
        with urllib.request.urlopen(request, timeout=300) as response:
            return str(json.load(response)["text"])

    def wait_for_log(self, words: str) -> None:
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)


@contextmanager
def _running(command: str, environment: dict[str, str], **variables: str) -> Iterator[Running]:
    server = Running(command, environment, **variables)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_stop_is_announced_and_finishes_what_was_begun(
    environment: dict[str, str], wav: Wav, tmp_path: Path, command: str
) -> None:
    content = wav(tmp_path / "a.wav").read_bytes()
    variables = {"ECHO_SECONDS": "3", "TINGSHUO_DRAIN_DELAY_SECONDS": "2", "TINGSHUO_LOG_FORMAT": "json"}
    with _running(command, environment, **variables) as server:
        answers: list[str] = []
        work = threading.Thread(target=lambda: answers.append(server.transcribe(content)))
        work.start()
        server.wait_for_log("loaded echo")
        server.process.terminate()
        while (reply := server.get("/readyz"))[0] == 200:
            time.sleep(0.02)
        assert (reply[0], reply[1]["status"]) == (503, "draining")
        assert server.get("/healthz")[0] == 200
        code = server.process.wait(timeout=120)
        work.join()
        log = server.log.read_text()
    assert code == 0
    assert answers == ["0.50 秒"]
    assert "Traceback" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    routes = [line.get("route") for line in lines if line["logger"] == "tingshuo.access"]
    assert "/v1/audio/transcriptions" in routes
    assert "uvicorn.access" not in {line["logger"] for line in lines}  # it would tell paths as they were sent
    assert {line["logger"].partition(".")[0] for line in lines} >= {"tingshuo", "uvicorn"}


def _in_vain(server: Running, content: bytes) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the connection ends somehow
        server.transcribe(content)


def test_an_engine_that_hangs_does_not_keep_the_process(environment: dict[str, str], wav: Wav, tmp_path: Path) -> None:
    content = wav(tmp_path / "a.wav").read_bytes()
    with _running("serve", environment, ECHO_SECONDS="600", TINGSHUO_DRAIN_SECONDS="1") as server:
        work = threading.Thread(target=_in_vain, args=(server, content))
        work.start()
        server.wait_for_log("loaded echo")
        server.process.terminate()
        server.process.wait(timeout=120)  # 1 s for the request, 20 s to close, not ten minutes
        work.join()


def test_gunicorn_does_not_start_with_a_wrong_setting_and_says_which(environment: dict[str, str]) -> None:
    command = [str(Path(sys.executable).parent / "gunicorn"), *COMMANDS["gunicorn"][1:]]
    wrong = {**environment, "TINGSHUO_PORT": str(_free_port()), "TINGSHUO_ALLOWED_IPS": "10.0.0.0/99"}
    done = subprocess.run(command, env=wrong, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "TINGSHUO_ALLOWED_IPS" in done.stderr
