"""`tingshuo models pull`, from a small hub on loopback that answers as ModelScope does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest

Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]

MODEL = "iic/TinyModel"
FILES = {"model.pt": os.urandom(300_000), "am/tokens.json": b"[]", "README.md": "你好".encode(), "empty.txt": b""}
#: The client's own retries wait for seconds; one attempt shows the same.
QUICK = {"MODELSCOPE_DOWNLOAD_MAX_RETRIES": "0", "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "1"}


class Hub(ThreadingHTTPServer):
    """`files`: what it gives. `listed`: what it says about them. `cut`: bytes after which a connection breaks, once."""

    daemon_threads = True

    def __init__(self, model: str, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.model, self.files = model, files
        self.listed = [_listed(path, content) for path, content in files.items()]
        self.cut: dict[str, int] = {}
        self.broken: set[str] = set()
        self.ranges: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def _listed(path: str, content: bytes) -> dict[str, object]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"Path": path, "Name": path.rsplit("/")[-1], "Size": len(content), "Sha256": sha256, "Type": "blob"}


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        base = f"/api/v1/models/{self.server.model}/repo"
        if url.path == f"{base}/files" and query["Revision"] == "master":
            folder = {"Path": "am", "Name": "am", "Size": 0, "Type": "tree"}
            self._send(json.dumps({"Code": 200, "Data": {"Files": [folder, *self.server.listed]}}).encode())
        elif url.path == base and query["FilePath"] in self.server.files:
            self._file(query["FilePath"])
        else:
            self._send(b'{"Code": 404, "Message": "not found"}', status=404)

    def _file(self, path: str) -> None:
        content, wanted = self.server.files[path], self.headers.get("Range")
        self.server.ranges.append((path, wanted))
        if path in self.server.broken:
            self.connection.close()
            return
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if wanted else {}
        cut = self.server.cut.pop(path, None)
        if cut:
            self.server.broken.add(path)
        self._send(content[start:], 206 if wanted else 200, headers, cut)

    def _send(
        self, content: bytes, status: int = 200, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[:cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(MODEL, dict(FILES))) as server:
        yield server


@pytest.fixture
def pull(run: Run, hub: Hub) -> Run:
    return lambda *more, **env: run("models", "pull", MODEL, *more, MODELSCOPE_ENDPOINT=hub.url, **{**QUICK, **env})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models" / MODEL


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 2
    assert done.stdout == b""
    text = done.stderr.decode()
    assert text.count("\n") == 1, text
    return text


def test_a_pulled_model_is_whole_and_has_a_manifest(pull: Run, folder: Path) -> None:
    done = pull()
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    found = contents(folder)
    manifest = json.loads(found.pop("tingshuo.manifest.json"))
    assert found == FILES
    assert (manifest["hub_id"], manifest["revision"]) == (MODEL, "master")
    assert manifest["files"]["model.pt"] == {
        "sha256": hashlib.sha256(FILES["model.pt"]).hexdigest(),
        "size": len(FILES["model.pt"]),
    }
    assert [path.name for path in folder.parents[1].iterdir() if not path.name.startswith(".")] == ["iic"]


def test_a_second_pull_downloads_nothing_and_a_damaged_file_is_fetched_again(pull: Run, hub: Hub, folder: Path) -> None:
    pull()
    count = len(hub.ranges)
    assert pull().returncode == 0
    assert len(hub.ranges) == count
    (folder / "am" / "tokens.json").write_bytes(b"{}")
    assert pull().returncode == 0
    assert (folder / "am" / "tokens.json").read_bytes() == b"[]"


def test_a_file_that_is_not_what_the_listing_says_is_refused_and_nothing_is_left(
    pull: Run, hub: Hub, folder: Path, tmp_path: Path
) -> None:
    hub.files["am/tokens.json"] = b"{}"
    assert "am/tokens.json is not what the hub's listing says" in one_line(pull())
    assert not folder.exists()
    assert not [path for path in (tmp_path / "data" / "models").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_interrupted_pull_goes_on_where_it_stopped(pull: Run, hub: Hub, folder: Path) -> None:
    hub.cut["model.pt"] = 200_000
    assert "run again to go on" in one_line(pull())
    assert not folder.exists()
    hub.broken.clear()
    assert pull().returncode == 0
    assert ("model.pt", "bytes=200000-") in hub.ranges
    assert (folder / "model.pt").read_bytes() == FILES["model.pt"]


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", "a\\b", "a//b"])
def test_a_listing_that_leads_out_of_the_folder_is_refused(pull: Run, hub: Hub, tmp_path: Path, path: str) -> None:
    hub.listed[0]["Path"] = path
    hub.files[path] = hub.files["model.pt"]
    assert "no file name below a model folder" in one_line(pull())
    assert not list(tmp_path.rglob("evil"))


def test_a_listing_without_sha256_is_refused(pull: Run, hub: Hub) -> None:
    hub.listed[1]["Sha256"] = ""
    assert "no sha256 for 'am/tokens.json'" in one_line(pull())


def test_a_model_the_hub_does_not_have(run: Run, hub: Hub) -> None:
    done = run("models", "pull", "iic/Nothing", MODELSCOPE_ENDPOINT=hub.url, **QUICK)
    assert "the hub has no model iic/Nothing" in one_line(done)


def test_a_hub_that_cannot_be_reached_is_one_line_that_names_the_kit(run: Run) -> None:
    done = run("models", "pull", MODEL, MODELSCOPE_ENDPOINT="http://127.0.0.1:1", **QUICK)
    assert "tingshuo models import" in one_line(done)


@pytest.mark.parametrize("name", ["SenseVoiceSmall", "../x", "iic/..", "iic/a/b", "/iic/a"])
def test_what_is_no_hub_id_is_refused(run: Run, name: str) -> None:
    assert "is no hub id" in one_line(run("models", "pull", name))


def test_without_modelscopes_client_the_command_says_how_to_get_it(run: Run, plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "missing").mkdir()
    (tmp_path / "missing" / "modelscope_hub.py").write_text("raise ImportError('not installed')\n")
    done = run("models", "pull", MODEL, PYTHONPATH=f"{tmp_path / 'missing'}:{plugin}")
    assert "pip install 'tingshuo[hub]'" in one_line(done)


#: The lock that tqdm makes for the client's bars costs a loaded machine a while.
SLOW = """
import multiprocessing
import time

make = multiprocessing.RLock
multiprocessing.RLock = lambda: time.sleep(3) or make()

from tingshuo.cli import app

app(prog_name="tingshuo")
"""


@pytest.mark.parametrize("program", [["-m", "tingshuo"], ["-c", SLOW]], ids=["at_any_moment", "while_bars_are_made"])
def test_ctrl_c_in_the_middle_of_a_pull_is_quiet(
    hub: Hub, environment: dict[str, str], folder: Path, program: list[str]
) -> None:
    hub.files["model.pt"] = hub.files["model.pt"] * 400
    hub.listed[0]["Size"] = len(hub.files["model.pt"])
    hub.listed[0]["Sha256"] = hashlib.sha256(hub.files["model.pt"]).hexdigest()
    command = [sys.executable, *program, "models", "pull", MODEL]
    with subprocess.Popen(
        command, env={**environment, "MODELSCOPE_ENDPOINT": hub.url, **QUICK}, stderr=subprocess.PIPE
    ) as process:
        try:
            while not hub.ranges:
                assert process.poll() is None
            process.send_signal(2)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert b"Traceback" not in errors
    assert process.returncode in (0, 130)
    assert folder.exists() == (process.returncode == 0)
