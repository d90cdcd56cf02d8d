"""The page of a transcript: what it shows, and corrections that the server keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from serving import Server


@pytest.fixture
def transcript(transcribed: Callable[[], Page]) -> Page:
    """A page with the transcript of `call`."""
    return transcribed()


@pytest.fixture
def reader(browser: Browser, server: Server, transcript: Page) -> Iterator[Page]:
    """The same transcript on another screen."""
    context = browser.new_context(base_url=server.url, storage_state=transcript.context.storage_state())
    page = context.new_page()
    page.goto(transcript.url)
    yield page
    context.close()


def _said(page: Page, index: int = 0) -> str:
    return page.locator(".cue .said").nth(index).inner_text()


def _write(page: Page, text: str, index: int = 0) -> None:
    page.locator(".cue .said").nth(index).fill(text)
    page.locator("h1").click()


def _saved(page: Page) -> None:
    # A save that failed is tried again after some seconds.
    expect(page.locator("#state")).to_have_text("Saved", timeout=30_000)


def _exported(page: Page, name: str, folder: Path) -> str:
    with page.expect_download() as download:
        page.locator("#exports").get_by_text(name, exact=True).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target.read_text("utf-8-sig")


def test_a_recording_becomes_a_transcript_with_emotions(transcript: Page) -> None:
    cues = transcript.locator(".cue")
    expect(cues).to_have_count(2)
    assert [cues.nth(i).get_attribute("data-emotion") for i in range(2)] == ["angry", "happy"]
    regions = "document.querySelector('#wave div').shadowRoot.querySelectorAll('[part~=region]').length"
    assert transcript.evaluate(regions) == 2
    assert transcript.locator(".chart rect[data-emotion=angry]").count() >= 1
    expect(transcript.get_by_text("Turning points")).to_be_visible()


def test_corrections_are_kept_by_the_server_and_in_every_export(
    transcript: Page, server: Server, tmp_path: Path
) -> None:
    heard = _said(transcript)
    transcript.locator(".cue .said").first.fill("他迟到了。")
    assert _exported(transcript, "srt", tmp_path).splitlines()[2] == "他迟到了。"
    assert json.loads(_exported(transcript, "json", tmp_path))["segments"][0]["text"] == "他迟到了。"
    assert "他迟到了。" in _exported(transcript, "csv", tmp_path)
    assert _exported(transcript, "Highlights (EDL)", tmp_path).startswith("TITLE:")
    transcript.click("#undo")
    expect(transcript.locator(".cue .said").first).to_have_text(heard)
    transcript.click("#redo")
    _saved(transcript)
    job = transcript.url.rpartition("/")[2]
    kept = httpx.get(f"{server.url}/v1/jobs/{job}/transcript", headers=server.headers).json()
    assert kept["segments"][0]["text"] == "他迟到了。"
    transcript.reload()
    expect(transcript.locator(".cue .said").first).to_have_text("他迟到了。")

    transcript.get_by_text("Earlier versions").click()
    transcript.get_by_text("What was heard").click()
    expect(transcript.locator(".cue .said").first).to_have_text(heard)


def test_times_are_changed_and_a_segment_removed_with_the_keyboard(transcript: Page) -> None:
    edit = transcript.locator(".cue .edit")
    edit.first.press("Enter")
    start = transcript.locator("#editor input[name=start]")
    expect(start).to_be_focused()
    start.fill("0:09")
    start.press("Enter")
    expect(transcript.locator("#notes .bad")).to_contain_text("the end comes after the start")
    start.fill("0:00.5")
    start.press("Enter")
    expect(edit.first).to_be_focused()
    expect(transcript.locator(".cue .time").first).to_have_text(re.compile("^0:00.5 – "))
    edit.nth(1).press("Enter")
    transcript.locator("#editor [data-remove]").press("Enter")
    expect(transcript.locator(".cue:visible")).to_have_count(1)
    _saved(transcript)
    transcript.reload()
    expect(transcript.locator(".cue")).to_have_count(1)
    expect(transcript.locator(".cue .time")).to_have_text(re.compile("^0:00.5 – "))


def test_two_who_correct_at_once_lose_nothing_unseen(transcript: Page, reader: Page, foreseen: list[str]) -> None:
    foreseen.append("412 (Precondition Failed)")
    _write(transcript, "第一个人写的。")
    _saved(transcript)
    _write(reader, "第二个人写的。")
    expect(reader.locator("#conflict")).to_be_visible()
    reader.reload()  # what was not saved is still there
    expect(reader.locator("#conflict")).to_be_visible()
    assert _said(reader) == "第二个人写的。"
    reader.click("#mine")
    _saved(reader)
    expect(reader.locator("#conflict")).to_be_hidden()

    _write(transcript, "又是第一个人。")
    expect(transcript.locator("#conflict")).to_be_visible()
    transcript.click("#theirs")
    expect(transcript.locator(".cue .said").first).to_have_text("第二个人写的。")
    expect(transcript.locator("#conflict")).to_be_hidden()


def test_a_correction_survives_a_server_that_does_not_answer(transcript: Page, foreseen: list[str]) -> None:
    foreseen.append("502 (Bad Gateway)")

    def refuse(route: Route) -> None:
        route.fulfill(status=502, json={"error": {"message": "no answer from the API", "code": "api_unreachable"}})

    transcript.route("**/transcript", refuse)
    _write(transcript, "网断了。")
    expect(transcript.locator("#state")).to_contain_text("no answer from the API")
    transcript.unroute("**/transcript")
    _saved(transcript)
    transcript.reload()
    assert _said(transcript) == "网断了。"


def test_hostile_text_stays_text(transcript: Page, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>=1+1"
    _write(transcript, hostile)
    _saved(transcript)
    transcript.reload()
    assert _said(transcript) == hostile
    assert transcript.locator(".cue img").count() == 0


def test_a_click_on_a_time_plays_from_there(transcript: Page) -> None:
    cue = transcript.locator(".cue").nth(1)
    start = float(cue.get_attribute("data-start") or 0)
    cue.locator(".time").click()
    expect(cue).to_have_class(re.compile(r"\bnow\b"))
    minutes, seconds = transcript.inner_text("#clock").split(":")
    assert 60 * int(minutes) + float(seconds) >= start - 0.2


def test_the_page_in_chinese(transcript: Page) -> None:
    transcript.get_by_role("button", name="中文").click()
    expect(transcript.locator("h2").filter(has_text="转写结果")).to_be_visible()
    _write(transcript, "改过了。")
    expect(transcript.locator("#state")).to_have_text("已保存")


def test_the_scores_of_every_emotion_are_told_to_who_rests_on_one(transcript: Page) -> None:
    told = transcript.locator(".cue .meta span[title]").first.get_attribute("title") or ""
    assert re.search(r"^angry \d+\.\d%$", told, re.MULTILINE)
    names = [line.rpartition(" ")[0] for line in told.splitlines()]
    assert names == ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "not told"]


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_an_open_editor_is_no_wider_than_its_screen(transcript: Page, width: int) -> None:
    transcript.set_viewport_size({"width": width, "height": 800})
    transcript.locator(".cue .edit").first.click()
    expect(transcript.locator("#editor")).to_be_visible()
    assert transcript.evaluate("document.documentElement.scrollWidth") <= width


def test_editor_conflict_and_versions_are_fit_for_assistive_technology(
    browser: Browser, server: Server, transcript: Page
) -> None:
    _write(transcript, "改过了。")
    _saved(transcript)
    context = browser.new_context(
        base_url=server.url, bypass_csp=True, storage_state=transcript.context.storage_state()
    )
    page = context.new_page()
    page.goto(transcript.url)
    _write(transcript, "又改过了。")
    _saved(transcript)
    _write(page, "别人改的。")
    expect(page.locator("#conflict")).to_be_visible()
    page.get_by_text("Earlier versions").click()
    page.locator(".cue .edit").first.click()
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = [
            f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        assert found == [], theme
    context.close()
