"""`tingshuo serve`, as an operator meets it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

Wav: TypeAlias = Callable[..., Path]
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]


class Server:
    """A running server; `banner` is what it printed."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        command = [sys.executable, "-m", "tingshuo", "serve", "--port", "0", *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
        assert self.process.stdout
        self.banner = self.process.stdout.readline()
        self.url = self.banner.split()[4] if self.banner else ""

    def first_start(self) -> str:
        assert self.process.stdout
        while "/v1/jobs -H" not in self.banner:
            self.banner += self.process.stdout.readline()
        return next(line.strip() for line in self.banner.splitlines() if line.strip().startswith("ts-"))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=300)
        return self.process.returncode, self.banner + out, errors


@contextmanager
def running(environment: dict[str, str], *arguments: str) -> Iterator[Server]:
    server = Server(environment, *arguments)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


def ready(server: Server) -> None:
    # The socket listens before the banner is printed, so this waits instead of failing.
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=120) as response:
        assert response.status == 200


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_first_start_gives_a_key_once_and_three_commands_that_work(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with running(environment) as server:
        key = server.first_start()
        commands = [line for line in server.banner.splitlines() if line.startswith("curl ")]
        assert len(commands) == 3
        assert all(key in command for command in commands)
        answers = [subprocess.check_output(["bash", "-c", command], cwd=tmp_path, timeout=300) for command in commands]
        assert (tmp_path / "hello.wav").read_bytes().startswith(b"RIFF")
        assert json.loads(answers[1])["text"]
        assert [job["kind"] for job in json.loads(answers[2])["data"]] == ["transcription", "speech"]
        assert "happy" in commands[0]
        code, banner, errors = server.stop()
    assert code == 0
    assert "Traceback" not in errors
    assert "echo: built in" in banner
    with running(environment) as server:
        ready(server)
        assert "ts-" not in server.stop(signal.SIGINT)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_the_request_in_progress(
    environment: dict[str, str], wav: Wav, tmp_path: Path, number: int
) -> None:
    content = wav(tmp_path / "a.wav").read_bytes()
    with running({**environment, "ECHO_SECONDS": "2"}) as server:
        key = server.first_start()
        ready(server)
        answers: list[Any] = []
        work = threading.Thread(target=lambda: answers.append(transcribe(server.url, key, content)))
        work.start()
        while "loaded echo" not in (line := (server.process.stderr or sys.stdin).readline()):
            assert line
        code, _, errors = server.stop(number)
        work.join()
    assert code == 0
    assert answers == [{"text": "0.50 秒"}]
    assert "Traceback" not in errors


def transcribe(url: str, key: str, content: bytes) -> Any:
    edge = "edge"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    request = urllib.request.Request(
        f"{url}/v1/audio/transcriptions",
        head.encode() + content + f"\r\n--{edge}--\r\n".encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={edge}"},
    )
    with urllib.request.urlopen(request, timeout=300) as response:
        return {"text": json.load(response)["text"]}


def test_a_port_in_use_is_one_line_and_exit_code_2(environment: dict[str, str], run: Run) -> None:
    with running(environment) as server:
        port = server.url.rsplit(":", 1)[1]
        done = run("serve", "--port", port)
    assert done.returncode == 2
    assert done.stderr.decode() == f"error: cannot listen on 127.0.0.1 port {port}: another program uses it\n"
    assert done.stdout == b""


@pytest.mark.parametrize(("allowed", "warned"), [("", True), ("127.0.0.0/8", False)])
def test_an_open_address_without_an_allow_list_is_warned_of(
    environment: dict[str, str], allowed: str, warned: bool
) -> None:
    with running({**environment, "TINGSHUO_ALLOWED_IPS": allowed}, "--host", "0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        ready(server)
        assert ("TINGSHUO_ALLOWED_IPS" in server.stop()[2]) is warned


@pytest.mark.parametrize(
    ("variables", "arguments"),
    [
        ({"TINGSHUO_PORT": "many"}, []),
        ({"TINGSHUO_DATABASE_URL": "mysql://x"}, []),
        ({}, ["--port", "99999"]),
        ({}, ["--log-level", "loud"]),
        ({}, ["--host", "no.such.host.invalid"]),
    ],
)
def test_what_is_set_wrong_is_one_line_and_exit_code_2(
    run: Run, variables: dict[str, str], arguments: list[str]
) -> None:
    done = run("serve", *arguments, **variables)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1


def test_the_query_of_a_signed_link_stays_out_of_the_log(environment: dict[str, str]) -> None:
    with running(environment) as server:
        ready(server)
        with urllib.request.urlopen(f"{server.url}/docs?signature=secret", timeout=120):
            pass
        _, _, errors = server.stop()
    assert "tingshuo.access" in errors
    assert "GET /docs 200" in errors
    assert "secret" not in errors


def test_small_replies_are_not_held_back() -> None:
    """Without TCP_NODELAY the body of a reply waits for the acknowledgement of its head, mostly 40 ms."""
    from tingshuo.cli.serve import listening

    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
