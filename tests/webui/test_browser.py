"""The pages in a real browser, with the real engines behind them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from serving import Server

#: Gzipped bytes of what a page loads at first.
BUDGET, WAVE_BUDGET = 300_000, 500_000
#: Recordings that the browser keeps.
COUNT = """new Promise((done) => {
  const asked = indexedDB.open("tingshuo");
  asked.onsuccess = () => {
    const all = asked.result.transaction("recordings").objectStore("recordings").count();
    all.onsuccess = () => { asked.result.close(); done(all.result); };
  };
})"""


def test_nothing_serious_is_wrong_for_assistive_technology(
    browser: Browser, server: Server, page: Page, transcribed: Callable[[], Page]
) -> None:
    transcribed()
    transcript = page.url
    context = browser.new_context(base_url=server.url, bypass_csp=True, storage_state=page.context.storage_state())
    looked_at = context.new_page()
    found: dict[str, list[str]] = {}
    for path in ("/", "/speak", "/lab", "/history", "/calls", "/admin/", transcript):
        looked_at.goto(path)
        for theme in ("light", "dark"):
            looked_at.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            results: dict[str, Any] = Axe().run(looked_at).response
            serious = [
                f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
                for violation in results["violations"]
                if violation["impact"] in {"serious", "critical"}
            ]
            if serious:
                found[f"{path} {theme}"] = serious
    context.close()
    assert found == {}


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_no_page_is_wider_than_its_screen(browser: Browser, server: Server, page: Page, width: int) -> None:
    context = browser.new_context(
        base_url=server.url, viewport={"width": width, "height": 800}, storage_state=page.context.storage_state()
    )
    looked_at = context.new_page()
    for path in ("/", "/speak", "/lab", "/history", "/calls", "/admin/"):
        looked_at.goto(path)
        assert looked_at.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_pages_are_light(page: Page, transcribed: Callable[[], Page]) -> None:
    sizes = {path: _loaded(page, partial(page.goto, path)) for path in ("/", "/speak", "/lab", "/admin/")}
    assert {path: size for path, size in sizes.items() if size > BUDGET} == {}
    transcribed()
    assert _loaded(page, page.reload) < WAVE_BUDGET


def _loaded(page: Page, action: Callable[[], object]) -> int:
    bodies: list[bytes] = []

    def count(response: Any) -> None:
        if response.url.startswith("http") and "/api/" not in response.url and response.status == 200:
            bodies.append(gzip.compress(response.body()))

    page.on("response", count)
    action()
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", count)
    return sum(map(len, bodies))


def test_everything_can_be_reached_with_the_keyboard(page: Page) -> None:
    page.goto("/speak")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
    assert {"text", "emotion", "say", "format", "download", "voice", "intensity", "speed", "pitch", "volume"} <= reached


def test_signing_out_forgets_the_recordings(page: Page, transcribed: Callable[[], Page]) -> None:
    transcribed()
    assert page.evaluate(COUNT) >= 1
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    assert page.evaluate(COUNT) == 0


def test_who_signs_in_after_somebody_finds_nothing_of_theirs(
    page: Page, server: Server, transcribed: Callable[[], Page], key: Callable[..., tuple[str, str]]
) -> None:
    """Whose session ran out has not signed out."""
    transcribed()
    page.evaluate("localStorage.setItem('tingshuo.preferred', '[]')")
    for token, left in ((server.key, 1), (key("transcribe", "speak", "jobs")[1], 0)):
        page.context.clear_cookies()
        page.goto("/sign-in")
        page.fill("#key", token)
        page.click("button.main")
        page.wait_for_url(f"{server.url}/")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(COUNT) == left
        assert page.evaluate("localStorage.getItem('tingshuo.preferred')") == ("[]" if left else None)


def test_a_page_that_was_put_by_is_not_shown_to_somebody_else(page: Page, foreseen: list[str]) -> None:
    """Chromium without a window puts none by, so it is told that it did."""
    foreseen.append("401")
    page.goto("/speak")
    again = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    page.evaluate("window.mark = true")
    with page.expect_response("**/api/v1/me"):
        page.evaluate(again)
    assert page.evaluate("window.mark")
    page.context.clear_cookies()
    page.evaluate(again)
    page.wait_for_url("**/sign-in**")
