"""A real server with its pages, sessions on it, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import Server, running

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("pages") / "data") as started:
        yield started


class Visitor(httpx.Client):
    """A browser without scripts: keeps cookies and sends the form token of the last page."""

    def form(self, path: str, fields: dict[str, str | list[str]], page: str | None = None) -> httpx.Response:
        """Send a form with the token of `page` (of `path` itself where there is none)."""
        return self.post(path, data={**fields, "csrf_token": self.token(page or path)})

    def token(self, page: str = "/") -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.get(page).text)
        assert found
        return found[1]


@pytest.fixture
def visit(server: Server) -> Iterator[Callable[[str], Visitor]]:
    """A function that gives a visitor signed in with a key; with "" one who is not."""
    made: list[Visitor] = []

    def visitor(key: str) -> Visitor:
        made.append(Visitor(base_url=server.url, follow_redirects=True, timeout=60))
        if key:
            assert made[-1].form("/sign-in", {"key": key}).status_code == 200
        return made[-1]

    yield visitor
    for client in made:
        client.close()


@pytest.fixture
def key(server: Server) -> Callable[..., tuple[str, str]]:
    """A function that makes a key with the scopes given: its id and its token."""

    def make(*scopes: str) -> tuple[str, str]:
        body = {"name": os.urandom(6).hex(), "scopes": list(scopes)}
        made = httpx.post(f"{server.url}/v1/keys", headers=server.headers, json=body)
        assert made.status_code == 201, made.text
        return made.json()["id"], made.json()["token"]

    return make


@pytest.fixture(scope="module")
def browser(call: Path) -> Iterator[Browser]:
    """Debian's Chromium; its microphone hears `call`, over and over."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("TINGSHUO_REQUIRE_SERVICES") == "1":
            pytest.fail("there is no chromium: apt-get install chromium")
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, f"--use-file-for-fake-audio-capture={call}"]
        )
        yield started
        started.close()


@pytest.fixture
def foreseen() -> list[str]:
    """What a test provokes and a browser may therefore write to its console, in part."""
    return []


@pytest.fixture
def page(browser: Browser, server: Server, foreseen: list[str]) -> Iterator[Page]:
    """A page of a signed-in visitor; a script that fails fails the test."""
    context = browser.new_context(base_url=server.url, locale="en-US", permissions=["microphone"])
    context.set_default_timeout(60_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    opened.goto("/sign-in")
    opened.fill("#key", server.key)
    opened.click("button.main")
    opened.wait_for_url(f"{server.url}/")
    yield opened
    context.close()
    assert [problem for problem in problems if not any(part in problem for part in foreseen)] == []


@pytest.fixture
def transcribed(page: Page, call: Path) -> Callable[[], Page]:
    """A function that uploads `call`, waits for its transcript, and opens its page."""

    def upload() -> Page:
        page.goto("/")
        page.set_input_files("#files", call)
        page.locator(".upload a.open").first.click(timeout=120_000)
        expect(page.locator("#player")).to_be_visible(timeout=30_000)
        return page

    return upload


@pytest.fixture(scope="session")
def call(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two sentences, one angry and one happy, spoken by the server itself."""
    folder = tmp_path_factory.mktemp("recordings")
    pieces = []
    for emotion, text in (("angry", "我已经等了三天了，我要退款！"), ("happy", "今天真高兴，我们去公园吧！")):
        body = {
            "model": "espeak",
            "voice": "cmn",
            "input": text,
            "emotion": emotion,
            "response_format": "pcm",
        }
        spoken = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
        pieces += [spoken.content, bytes(2 * 24_000)]  # a second of silence
    path = folder / "call.wav"
    path.write_bytes(_wav(b"".join(pieces), 24_000))
    return path


def _wav(samples: bytes, rate: int) -> bytes:
    import io
    import wave

    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    return target.getvalue()
