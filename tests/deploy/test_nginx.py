"""The shipped nginx configuration before a real API: TLS, uploads, streams, websockets, whose address counts."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest
from live_server import listening
from websockets.sync.client import connect

from tingshuo import Audio, Utterance
from tingshuo.settings import load_settings
from tingshuo.testing import ToneRecognizer, ToneSynthesizer

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
#: From where nginx calls the API, and from where nobody may.
PROXY, STRANGER = "127.0.0.2", "127.0.0.3"

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")), reason="nginx or openssl is not installed"
)


class GatedSynthesizer(ToneSynthesizer):
    """Speaks in two pieces, the second one only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        whole = super().synthesize(utterance)
        yield whole
        assert self.gate.wait(60)
        yield whole


@dataclass
class Site:
    """nginx and what is behind it."""

    folder: Path
    https: int
    http: int
    synthesizer: GatedSynthesizer
    key: str

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.https}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "tls.crt"))

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=source, verify=self.tls)
        return httpx.Client(
            base_url=self.url, transport=transport, headers={"Authorization": f"Bearer {self.key}"}, timeout=60
        )


def _ports(number: int) -> Sequence[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in taken]
    for listener in taken:
        listener.close()
    return ports


def _certificate(folder: Path) -> None:
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", names, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)


def _configuration(folder: Path, *, api: int, https: int, http: int) -> Path:
    """The shipped files with addresses, paths and the size limit of this test."""
    site = (DEPLOY / "tingshuo.conf").read_text("utf-8")
    for shipped, here in (
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{https} ssl;"),
        ("server api:8000 ", f"server 127.0.0.1:{api} "),
        ("server webui:8080 ", f"server 127.0.0.1:{api} "),
        ("/etc/nginx/tls/", f"{folder}/"),
        ("/etc/nginx/tingshuo_proxy.conf", str(DEPLOY / "tingshuo_proxy.conf")),
        ("/dev/stdout", str(folder / "access.log")),
        ("client_max_body_size 201m;", "client_max_body_size 3m;"),
    ):
        assert shipped in site, shipped
        site = site.replace(shipped, here)
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{ worker_connections 64; }}\n"
        f"http {{ {temporary} proxy_bind {PROXY}; include {folder}/site.conf; }}\n"
    )
    return main


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, GatedSynthesizer, str]]:
    """An API that trusts the proxy and lets 127.0.0.1 in: its port, its voice, a key."""
    settings = load_settings(
        data_dir=tmp_path_factory.mktemp("api"),
        max_upload_bytes=2_000_000,
        trusted_proxies=PROXY,
        allowed_ips="127.0.0.1",
    )
    synthesizer = GatedSynthesizer()
    with listening(settings, synthesizer, ToneRecognizer()) as live:
        yield int(live.url.rpartition(":")[2]), synthesizer, live.token("all")


@pytest.fixture(scope="module")
def site(api: tuple[int, GatedSynthesizer, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Nginx with the shipped configuration before that API."""
    folder = tmp_path_factory.mktemp("nginx")
    https, http = _ports(2)
    _certificate(folder)
    main = _configuration(folder, api=api[0], https=https, http=http)
    # nginx started by root gives its rights up, and could then not write into a test's folder.
    command = ["nginx", "-c", str(main), "-p", str(folder), "-e", str(folder / "error.log")]
    command += ["-g", "user root;"] if _is_root() else []
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen(command)
    while not _answers(https):
        assert process.poll() is None, (folder / "error.log").read_text()
        time.sleep(0.02)
    yield Site(folder, https, http, api[1], api[2])
    process.terminate()
    process.wait(30)


def _is_root() -> bool:
    return os.getuid() == 0


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_http_is_sent_to_https(site: Site) -> None:
    reply = httpx.get(f"http://127.0.0.1:{site.http}/v1/models?x=1")
    assert (reply.status_code, reply.headers["location"]) == (308, "https://127.0.0.1/v1/models?x=1")


def test_speech_and_transcription_work_through_tls(site: Site) -> None:
    site.synthesizer.gate.set()
    with site.client() as client:
        spoken = client.post(
            "/v1/audio/speech", json={"input": "今天真高兴", "voice": "high", "response_format": "wav"}
        )
        assert spoken.status_code == 200
        heard = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", spoken.content)})
        assert (heard.status_code, "今天真高兴" in heard.json()["text"]) == (200, True)
        assert heard.headers["x-request-id"].startswith("req_")
        assert "strict-transport-security" in heard.headers


def test_an_upload_of_the_platforms_limit_passes_and_a_larger_one_is_refused_in_the_envelope(site: Site) -> None:
    with site.client() as client:
        largest = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"x" * 2_000_000)})
        assert (largest.status_code, largest.json()["error"]["code"]) == (400, "invalid_audio")
        ours = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"x" * 2_100_000)})
        assert (ours.status_code, ours.json()["error"]["code"]) == (413, "limit_exceeded")
        nginxs = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"x" * 4_000_000)})
        assert (nginxs.status_code, nginxs.json()["error"]["code"]) == (413, "limit_exceeded")
        assert set(nginxs.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("stream_format", ["sse", "audio"])
def test_a_stream_passes_as_it_comes(site: Site, stream_format: str) -> None:
    site.synthesizer.gate.clear()
    connection = http.client.HTTPSConnection("127.0.0.1", site.https, context=site.tls, timeout=60)
    body = {"input": "hello", "response_format": "pcm", "stream_format": stream_format, "stream": True}
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/audio/speech", json.dumps(body), headers)
    reply = connection.getresponse()
    assert reply.status == 200
    first = reply.read1(256)
    assert first, "the first piece must arrive while the second one is not spoken yet"
    assert not site.synthesizer.gate.is_set()
    site.synthesizer.gate.set()
    rest = reply.read()
    assert len(rest) > len(first)
    connection.close()


def test_a_websocket_is_passed_on(site: Site) -> None:
    url = f"wss://127.0.0.1:{site.https}/v1/realtime?intent=transcription"
    with connect(url, ssl=site.tls, additional_headers={"Authorization": f"Bearer {site.key}"}) as socket_:
        assert json.loads(socket_.recv(timeout=60))["type"].endswith("session.created")


def test_links_name_the_address_that_the_client_used(site: Site) -> None:
    site.synthesizer.gate.set()
    with site.client() as client:
        link = client.post("/tts", json={"text": "hello"}).json()["audio_url"]
        assert link.startswith(f"{site.url}/v1/jobs/job_")
        assert client.get(link).content.startswith(b"RIFF")
    assert "signature" not in (site.folder / "access.log").read_text()


def test_the_clients_own_address_decides_and_cannot_be_forged(site: Site) -> None:
    for forged in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": f"127.0.0.1, {PROXY}"}):
        with site.client() as client:
            assert client.get("/healthz", headers=forged).status_code == 200
        with site.client(STRANGER) as client:
            assert client.get("/healthz", headers=forged).status_code == 403


def test_figures_are_not_for_the_world(site: Site) -> None:
    with site.client() as client:
        assert client.get("/metrics").status_code == 404


def test_without_an_api_the_answer_is_503_in_the_envelope(tmp_path: Path, site: Site) -> None:
    api, https, http = _ports(3)
    shutil.copy(site.folder / "tls.crt", tmp_path)
    shutil.copy(site.folder / "tls.key", tmp_path)
    main = _configuration(tmp_path, api=api, https=https, http=http)
    command = ["nginx", "-c", str(main), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")]
    process = subprocess.Popen([*command, *(["-g", "user root;"] if _is_root() else [])])
    try:
        while not _answers(https):
            assert process.poll() is None
            time.sleep(0.02)
        reply = httpx.get(f"https://127.0.0.1:{https}/v1/models", verify=site.tls)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "server_busy")
        assert reply.headers["retry-after"] == "5"
    finally:
        process.terminate()
        process.wait(30)
