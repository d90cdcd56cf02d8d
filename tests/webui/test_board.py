"""The calls in a real browser: the worst first over all pages, filters, trends, in both languages and themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2 as httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from serving import Server, running

HOSTILE = "<img src=x onerror=alert(1)>"
SAID = {"angry": "我已经等了三天了，我要退款！", "happy": "今天真高兴，我们去公园吧！"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with two angry calls and one happy one, of two keys."""
    with running(tmp_path_factory.mktemp("calls") / "data") as started:
        body = {"name": f"centre {HOSTILE}", "scopes": ["transcribe", "jobs"]}
        made = httpx.post(f"{started.url}/v1/keys", headers=started.headers, json=body).json()
        theirs = {"Authorization": f"Bearer {made['token']}"}
        for emotion, name, headers in (
            ("angry", f"refund {HOSTILE}.wav", theirs),
            ("happy", "park.wav", started.headers),
            ("angry", "late.wav", started.headers),
        ):
            _heard(started, emotion, name, headers)
        yield started


def _heard(server: Server, emotion: str, name: str, headers: dict[str, str]) -> None:
    """A sentence of that emotion, spoken by the server and transcribed for whoever has `headers`."""
    body = {"model": "espeak", "voice": "cmn", "input": SAID[emotion], "emotion": emotion, "response_format": "wav"}
    spoken = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
    files = {"file": (name, spoken.content)}
    reply = httpx.post(f"{server.url}/v1/audio/transcriptions", headers=headers, files=files, timeout=120)
    assert reply.status_code == 200, reply.text


def _names(page: Page) -> list[str]:
    return page.locator("section table.stacked tbody td:first-child a").all_inner_texts()


def test_the_worst_calls_come_first(page: Page) -> None:
    page.goto("/calls")
    assert _names(page) == ["late.wav", f"refund {HOSTILE}.wav", "park.wav"]
    expect(page.locator("main img")).to_have_count(0)
    bar = page.locator("svg.shares").last
    assert "happy" in (bar.get_attribute("aria-label") or "")
    page.get_by_text("Narrow down").click()
    page.select_option("#order", "newest")
    page.click("button.main")
    assert _names(page) == ["late.wav", "park.wav", f"refund {HOSTILE}.wav"]


def test_calls_are_narrowed_by_emotion_caller_date_and_text(page: Page) -> None:
    page.goto("/calls")
    page.get_by_text("Narrow down").click()
    page.select_option("#emotion", "happy")
    page.click("button.main")
    assert _names(page) == ["park.wav"]
    page.select_option("#emotion", "")
    page.select_option("#caller", label=f"centre {HOSTILE}")
    page.click("button.main")
    assert _names(page) == [f"refund {HOSTILE}.wav"]
    page.goto("/calls?q=park")
    assert _names(page) == ["park.wav"]
    page.goto(f"/calls?until={datetime.now(UTC) - timedelta(days=1):%F}")
    expect(page.locator(".empty")).to_have_text("No recording matches.")


def test_trends_lead_to_their_calls(page: Page) -> None:
    page.goto("/calls")
    today = f"{datetime.now(UTC):%F}"
    days, callers = page.locator("aside table").all()
    expect(days.locator("tbody tr")).to_have_count(1)
    expect(days.locator("tbody")).to_contain_text("66.7%")
    expect(callers.locator("tbody tr")).to_have_count(2)
    callers.locator("a").first.click()
    expect(page.locator("#caller")).not_to_have_value("")
    assert _names(page) == [f"refund {HOSTILE}.wav"]  # the caller with the worst mood stands first
    page.goto("/calls")
    page.get_by_role("link", name=today).click()
    expect(page.locator("#since")).to_have_value(today)
    assert len(_names(page)) == 3


def test_a_key_sees_its_own_calls_alone(
    server: Server, visit: Callable[[str], Any], key: Callable[..., tuple[str, str]]
) -> None:
    visitor = visit(key("jobs")[1])
    text = visitor.get("/calls").text
    assert "park.wav" not in text
    assert "No recording yet" in text
    assert 'id="caller"' not in text
    assert visit(key("speak")[1]).get("/calls").status_code == 403


def test_a_wrong_query_is_answered_with_a_page(server: Server, visit: Callable[[str], Any]) -> None:
    visitor = visit(server.key)
    for query in ("after=nonsense", "since=yesterday", "order=best"):
        reply = visitor.get(f"/calls?{query}")
        assert (reply.status_code, "<h1>" in reply.text) == (400, True)


@pytest.mark.parametrize(("locale", "title"), [("en-US", "Calls"), ("zh-CN", "通话")])
def test_lists_are_fit_for_assistive_technology_and_any_screen(
    browser: Browser, server: Server, page: Page, locale: str, title: str
) -> None:
    found: dict[str, list[str]] = {}
    for width, theme in ((360, "light"), (1440, "dark"), (2560, "light")):
        context = browser.new_context(
            base_url=server.url,
            locale=locale,
            bypass_csp=True,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            storage_state=page.context.storage_state(),
        )
        looked_at = context.new_page()
        for path in ("/calls", "/history", "/batches", "/deliveries", "/admin/", "/nothing"):
            looked_at.goto(path)
            if path == "/calls":
                expect(looked_at.locator("h1")).to_have_text(title)
            assert looked_at.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            results: dict[str, Any] = Axe().run(looked_at).response
            serious = [
                f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
                for violation in results["violations"]
                if violation["impact"] in {"serious", "critical"}
            ]
            if serious:
                found[f"{path} {theme} {width}"] = serious
        context.close()
    assert found == {}
