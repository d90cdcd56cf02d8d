"""The speech page in a real browser, with the real engines behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from wave import open as open_wave

import httpx2 as httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from serving import Server

#: How a file of each format begins.
MAGIC = {"mp3": (b"ID3", b"\xff"), "wav": (b"RIFF",), "flac": (b"fLaC",), "opus": (b"OggS",), "aac": (b"\xff",)}
TEXT = "今天真高兴，我们去公园吧！"


@pytest.fixture
def refused(browser: Browser, server: Server, page: Page) -> Iterator[Page]:
    """A page on which the API may say no, which Chromium writes to the console."""
    context = browser.new_context(base_url=server.url, storage_state=page.context.storage_state(), locale="en-US")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _lengths(page: Page, selector: str) -> list[float]:
    """Seconds of each audio element, once they are known."""
    found: list[float] = page.evaluate(
        "(selector) => Promise.all([...document.querySelectorAll(selector)].map(async (audio) => {"
        " while (!(audio.duration > 0)) await new Promise((wake) => setTimeout(wake, 50)); return audio.duration; }))",
        selector,
    )
    return found


def _seconds(server: Server, **asked: object) -> float:
    """Seconds of the same speech, asked for as a file."""
    body = {"input": TEXT, "response_format": "wav", **asked}
    reply = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
    with open_wave(BytesIO(reply.content)) as file:
        return float(file.getnframes() / file.getframerate())


def test_text_is_spoken_heard_and_kept_as_a_take(page: Page, server: Server) -> None:
    page.goto("/speak")
    page.select_option("#voice", "cmn")
    for emotion in ("neutral", "sad"):
        page.check(f'input[name="emotion"][value="{emotion}"]', force=True)
        page.click("#say")
        expect(page.locator(f"#takes [data-emotion={emotion}]")).to_be_visible(timeout=60_000)
        expect(page.locator("#say")).to_be_enabled(timeout=30_000)
    sad, neutral = _lengths(page, "#takes audio")  # the newest first
    assert sad == pytest.approx(_seconds(server, model="espeak", voice="cmn", emotion="sad"), abs=0.1)
    assert neutral == pytest.approx(_seconds(server, model="espeak", voice="cmn", emotion="neutral"), abs=0.1)

    page.evaluate("document.querySelector('#takes audio').play()")
    expect(page.locator("#takes audio").first).to_have_js_property("paused", False)
    expect(page.locator("#takes audio").first).to_have_js_property("ended", True, timeout=30_000)
    page.locator("#takes button").first.click()
    expect(page.locator("#takes audio")).to_have_count(1)


def test_each_voice_offers_the_emotions_it_has(page: Page, server: Server) -> None:
    voices = httpx.get(f"{server.url}/v1/audio/voices", headers=server.headers).json()["voices"]
    page.goto("/speak")
    for voice in voices[:3]:
        page.select_option("#voice", voice["id"])
        offered = page.eval_on_selector_all('input[name="emotion"]', "inputs => inputs.map((input) => input.value)")
        assert offered == voice["emotions"]


def test_stopping_ends_the_synthesis_too(page: Page, server: Server) -> None:
    page.goto("/speak")
    page.fill("#text", TEXT * 500)
    page.click("#say")
    expect(page.locator("#progress")).not_to_have_text("", timeout=60_000)
    page.click("#stop")
    expect(page.locator("#say")).to_be_enabled()
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#progress")).to_have_text("stopped")
    assert page.locator("#takes li").count() == 0
    assert _last_speech(server)["error_code"] == "request_cancelled"


def _last_speech(server: Server) -> dict[str, Any]:
    """The newest speech of the history, once it has ended."""
    deadline = time.monotonic() + 60
    while True:
        query: dict[str, str] = {"kind": "speech", "limit": "1"}
        job: dict[str, Any] = httpx.get(f"{server.url}/v1/jobs", headers=server.headers, params=query).json()["data"][0]
        if job["status"] not in {"queued", "running"}:
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.2)


def test_every_format_is_downloaded(page: Page, tmp_path: Path) -> None:
    page.goto("/speak")
    formats = page.eval_on_selector_all("#format option", "options => options.map((option) => option.value)")
    assert set(formats) == set(MAGIC)
    for name in formats:
        page.select_option("#format", name)
        with page.expect_download() as download:
            page.click("#download")
        assert download.value.suggested_filename == f"speech.{name}"
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(MAGIC[name])


@pytest.mark.parametrize(
    ("ssml", "blamed", "place"),
    [
        ('<speak>你好。\n  <brek time="1s"/>世界</speak>', '<brek time="1s"/>', "Line 2, column 3"),
        ('<speak>好<break/>\n<break time="99s"/></speak>', '<break time="99s"/>', "Line 2, column 1"),
        ('<speak><emotion category="glad">好</emotion></speak>', '<emotion category="glad">', "Line 1, column 8"),
    ],
)
def test_an_error_in_ssml_is_shown_where_it_is(refused: Page, ssml: str, blamed: str, place: str) -> None:
    refused.goto("/speak")
    refused.fill("#text", ssml)
    expect(refused.locator("#count")).to_contain_text("SSML")
    refused.click("#say")
    expect(refused.locator("#wrong")).to_contain_text(place)
    area = refused.locator("#text")
    expect(area).to_have_attribute("aria-invalid", "true")
    selected = "(area) => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert area.evaluate(selected) == blamed
    area.fill("你好")
    expect(refused.locator("#wrong")).to_be_hidden()


def test_a_tag_is_put_around_the_selection(page: Page) -> None:
    page.goto("/speak")
    page.fill("#text", "我很高兴")
    page.check('input[name="emotion"][value="happy"]', force=True)
    page.evaluate("document.getElementById('text').setSelectionRange(2, 4)")
    page.click('[data-tag="emotion"]')
    expect(page.locator("#text")).to_have_value('<speak>我很<emotion category="happy">高兴</emotion></speak>')
    page.click("#say")
    expect(page.locator("#takes li")).to_have_count(1, timeout=60_000)


def test_a_reading_is_corrected_with_a_click_and_removed_again(refused: Page) -> None:
    page = refused
    page.goto("/speak")
    page.fill("#text", "他明天去重庆2次。")
    page.locator("#frontend summary").click()
    word = page.locator("#reading button").filter(has_text="重庆")
    expect(word.locator(".pinyin")).to_have_text("chong2 qing4")
    expect(page.locator("#normalized")).to_have_text("他明天去重庆两次。")

    word.click()
    page.fill("#new-reading", "zz9")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#lexicon .problem")).to_contain_text("zz9")
    page.fill("#new-reading", "zhong4 qing4")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#lexicon")).to_be_hidden()
    expect(word.locator(".pinyin")).to_have_text("zhong4 qing4")

    page.locator("#corrections button").click()
    expect(word.locator(".pinyin")).to_have_text("chong2 qing4")
    expect(page.locator("#corrections")).to_be_hidden()


def test_two_ways_to_speak_are_heard_in_turns_from_the_same_place(page: Page) -> None:
    page.goto("/speak")
    page.locator("[data-side=A]").locator("select").select_option("cmn")
    page.locator('[data-side=A] input[value="happy"]').check(force=True)
    page.locator("[data-side=B]").locator("select").select_option("cmn")
    page.locator('[data-side=B] input[value="sad"]').check(force=True)
    page.click("#both")
    for side, emotion in (("A", "happy"), ("B", "sad")):
        scores = page.locator(f"[data-side={side}] [data-scores] .emotion").first
        expect(scores).to_have_attribute("data-emotion", emotion, timeout=60_000)  # the strongest that was heard
        expect(page.locator(f"[data-side={side}] [data-heard]")).to_contain_text("公园")
        assert page.locator(f"[data-side={side}] [data-outline] rect").count() > 50

    one, other = _lengths(page, "#ab audio")
    assert one != other
    page.evaluate("document.querySelectorAll('#ab audio')[0].currentTime = 1")
    page.locator("#ab-title").click()
    page.keyboard.press("x")
    expect(page.locator("[data-go=B]")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.querySelectorAll('#ab audio')[1].currentTime") == pytest.approx(
        other / one, abs=0.05
    )
    page.keyboard.press(" ")
    expect(page.locator("#ab audio").nth(1)).to_have_js_property("paused", False)
    page.keyboard.press("a")
    expect(page.locator("#ab audio").nth(0)).to_have_js_property("paused", False)
    expect(page.locator("#ab audio").nth(1)).to_have_js_property("paused", True)

    page.click('[data-better="B"]')
    page.reload()  # the choice outlives the page
    expect(page.locator("#tally")).to_have_text("A 0 · = 0 · B 1")
    expect(page.locator("#votes tbody td").nth(2)).to_have_text("cmn · sad")


def test_the_page_is_chinese_for_who_reads_it(refused: Page) -> None:
    page = refused
    page.goto("/speak")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#ab-title")).to_have_text("并排比较")
    expect(page.locator('[data-name="emotion-a"]')).to_contain_text("高兴")
    page.fill("#text", "<speak>好<x></speak>")
    page.click("#say")
    expect(page.locator("#wrong")).to_contain_text("第 1 行第 9 列")


def test_assistive_technology_has_no_trouble_with_a_page_full_of_results(
    browser: Browser, server: Server, page: Page
) -> None:
    context = browser.new_context(base_url=server.url, bypass_csp=True, storage_state=page.context.storage_state())
    looked_at = context.new_page()
    looked_at.goto("/speak")
    looked_at.click("#both")
    looked_at.locator("#frontend summary").click()
    for part in ("[data-side=A] [data-scores] dt", "[data-side=B] [data-scores] dt", "#reading button"):
        expect(looked_at.locator(part).first).to_be_visible(timeout=60_000)
    found = {}
    for theme in ("light", "dark"):
        looked_at.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        violations: list[dict[str, Any]] = Axe().run(looked_at).response["violations"]
        found[theme] = [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}"
            for one in violations
            if one["impact"] in {"serious", "critical"}
        ]
    context.close()
    assert found == {"light": [], "dark": []}
