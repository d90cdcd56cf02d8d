"""The gateway of the pages where a proxy stands between it and the API."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tingshuo_webui import WebSettings, create_app

ME = {"id": "key_1", "name": "anna", "scopes": ["speak"]}


class Compressing(BaseHTTPRequestHandler):
    """An API behind a proxy that compresses for whoever takes it."""

    def do_GET(self) -> None:
        body, takes = json.dumps(ME).encode(), self.headers.get("accept-encoding", "")
        self.send_response(200)
        self.send_header("content-type", "application/json")
        if "gzip" in takes:
            body = gzip.compress(body)
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: pytest would show it."""


@pytest.fixture
def api_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Compressing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_a_proxy_compresses_reaches_the_page_as_it_was(api_url: str, tmp_path: Path) -> None:
    browser = create_app(WebSettings(api_url, tmp_path, "secret")).test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', browser.get("/sign-in").text)
    assert token
    assert browser.post("/sign-in", data={"key": "ts-x", "csrf_token": token[1]}).status_code == 302
    assert browser.get("/api/v1/me").json == ME
