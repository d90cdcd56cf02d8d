"""The log of a real server with the real engines holds no word of what was said to it or by it."""

from __future__ import annotations

import socket
import time

import httpx2 as httpx
from serving import Server

SENTENCE = "今天天气真好。"


def test_what_was_spoken_and_heard_is_not_in_the_servers_log(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers, timeout=120) as client:
        body = {"input": SENTENCE, "response_format": "wav"}
        spoken = client.post("/v1/audio/speech", json=body)
        heard = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", spoken.content)})
        queued = client.post("/v1/jobs", json={"kind": "speech", "input": body}).json()["id"]
        while (job := client.get(f"/v1/jobs/{queued}").json())["status"] in ("queued", "running"):
            time.sleep(0.1)
    assert (spoken.status_code, heard.status_code, job["status"]) == (200, 200, "succeeded")
    words = heard.json()["text"]
    written = server.log.read_text("utf-8")
    assert "POST /v1/audio/transcriptions 200" in written
    for secret in (SENTENCE, SENTENCE[:4], words, server.key[10:]):
        assert secret
        # The key was printed once, by intent, before the server answered.
        assert secret not in written.split("uvicorn.error", 1)[1]


def test_nonsense_on_a_connection_is_not_told_as_the_request_before_it(server: Server) -> None:
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nX-Request-ID: of-anna\r\nContent-Length: {2**20}\r\n"
        connection.sendall(f"{head}Authorization: Bearer {server.key}\r\n\r\n".encode() + bytes(2**20))
        assert connection.recv(2**16).startswith(b"HTTP/1.1 400")
        connection.sendall(b"\x00\r\n\r\n")
        while connection.recv(2**16):
            pass
    lines = [line for line in server.log.read_text("utf-8").splitlines() if "Invalid HTTP request" in line]
    assert lines
    assert "of-anna" not in "".join(lines)
