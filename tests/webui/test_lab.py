"""The round-trip lab in a real browser, with the real engines behind it; what was heard beside what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from serving import Server

from tingshuo_webui.runs import compared, marked


def _fill(page: Page, *engines: str) -> None:
    page.goto("/lab")
    page.fill("#sentences", "今天真高兴！\n你怎么又迟到了？")
    for engine in ("sambert_hifigan", "espeak"):
        page.set_checked(f'input[name="synthesizer"][value="{engine}"]', engine in engines)
    if "espeak" in engines:
        page.check('input[name="voice"][value="cmn"]')
    for emotion in ("happy", "angry"):
        page.check(f'input[name="emotion"][value="{emotion}"]', force=True)


def test_a_round_trip_runs_to_its_matrix_and_down_to_an_utterance(page: Page) -> None:
    _fill(page, "espeak")
    expect(page.locator("#count")).to_have_text("4 utterances, runs: 1")
    page.click("#run")
    expect(page.locator("#progress li")).to_contain_text("espeak → sensevoice")
    page.wait_for_url("**/jobs/*", timeout=120_000)
    page.click('#matrix button[data-spoken="angry"]')
    assert 0 < page.locator("#items tbody tr:visible").count() < 4
    page.locator("#items tbody tr:visible [data-listen]").first.click()
    sound = page.locator("#items audio")
    expect(sound).to_be_visible(timeout=30_000)
    expect(sound).to_have_js_property("ended", True, timeout=30_000)  # it began by itself
    page.click("#all")
    expect(page.locator("#items tbody tr:visible")).to_have_count(4)
    with page.expect_download() as download:
        page.get_by_text("Report page").click()
    assert "<!doctype html>" in Path(download.value.path()).read_text("utf-8")


def test_progress_is_told_while_a_run_lasts(page: Page) -> None:
    _fill(page, "sambert_hifigan")
    page.fill("#sentences", "\n".join(f"今天是{number}月，我们去公园吧！" for number in range(1, 9)))
    told: list[str] = []
    page.expose_function("tell", lambda line: told.append(line))  # a built-in has no place for its attributes
    page.evaluate(
        "new MutationObserver(() => tell(document.querySelector('#progress').innerText))"
        ".observe(document.querySelector('#progress'), {subtree: true, childList: true, characterData: true})"
    )
    page.click("#run")
    page.wait_for_url("**/jobs/*", timeout=240_000)
    shares = {line.rsplit("·", 1)[1].split(",")[0].strip() for line in told if "running" in line}
    assert len(shares) > 1, told  # more than one figure between none and all
    expect(page.locator("#items tbody tr")).to_have_count(16)


def test_a_run_is_cancelled(page: Page) -> None:
    _fill(page, "sambert_hifigan")
    page.fill("#sentences", "\n".join(f"第{number}句，我们明天再去公园吧！" for number in range(1, 41)))
    page.click("#run")
    expect(page.locator("#progress")).to_contain_text("running", timeout=60_000)
    page.click("#cancel")
    expect(page.locator("#problem")).to_have_text("cancelled", timeout=60_000)
    expect(page.locator("#run")).to_be_enabled()


def test_runs_of_two_engines_are_compared(browser: Browser, server: Server, page: Page) -> None:
    _fill(page, "sambert_hifigan", "espeak")
    expect(page.locator("#count")).to_have_text("8 utterances, runs: 2")
    page.click("#run")
    page.get_by_role("link", name="Compare these runs").click(timeout=240_000)
    expect(page.locator(".matrix")).to_have_count(2)
    expect(page.locator("ol.versus li").nth(0)).to_contain_text("sambert_hifigan")
    expect(page.locator("ol.versus li").nth(1)).to_contain_text("espeak")
    expect(page.locator("#figures")).to_contain_text("Emotions heard right")
    compared_at = page.url

    page.goto("/lab")  # the same from the list of runs
    boxes = page.locator('#runs input[name="run"]')
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare two runs").click()
    expect(page.locator(".matrix")).to_have_count(2)
    page.locator("ol.versus a").first.click()
    assert _serious(browser, server, page, page.url, compared_at) == {}

    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("往返测试")


def _serious(browser: Browser, server: Server, page: Page, *addresses: str) -> dict[str, list[str]]:
    """What is seriously wrong on pages for assistive technology, in both themes; and none is wider than a phone."""
    context = browser.new_context(
        base_url=server.url,
        bypass_csp=True,
        viewport={"width": 360, "height": 800},
        storage_state=page.context.storage_state(),
    )
    looked_at = context.new_page()
    found = {}
    for address in addresses:
        looked_at.goto(address)
        assert looked_at.evaluate("document.documentElement.scrollWidth") <= 360, address
        for theme in ("light", "dark"):
            looked_at.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            violations: list[dict[str, Any]] = Axe().run(looked_at).response["violations"]
            serious = [
                f"{one['id']}: {one['nodes'][0]['html'][:120]}"
                for one in violations
                if one["impact"] in {"serious", "critical"}
            ]
            if serious:
                found[f"{address} {theme}"] = serious
    context.close()
    return found


@pytest.mark.parametrize("query", ["", "run=job_1", "run=job_00&run=job_01"])
def test_what_cannot_be_compared_is_said(browser: Browser, server: Server, page: Page, query: str) -> None:
    context = browser.new_context(base_url=server.url, storage_state=page.context.storage_state())
    looked_at = context.new_page()
    reply = looked_at.goto(f"/lab/compare?{query}")
    assert reply is not None
    assert reply.status in {400, 404}
    expect(looked_at.locator("main")).to_contain_text("run=" if "&" not in query else "job_00")
    context.close()


@pytest.mark.parametrize(
    ("said", "heard", "pieces"),
    [
        ("今天真高兴！", "今天真高兴。", [("same", "今天真高兴"), ("same", "。")]),
        ("单晓来了", "蛋小来了", [("del", "单晓"), ("ins", "蛋小"), ("same", "来了")]),
        ("我们走吧。", "我们走", [("same", "我们走"), ("del", "吧")]),
        ("好", "", [("del", "好")]),
    ],
)
def test_errors_are_marked_in_what_was_heard(said: str, heard: str, pieces: list[tuple[str, str]]) -> None:
    assert marked(said, heard) == pieces


def _result(cer: float, accuracy: float, heard: str, voice: str = "a") -> dict[str, Any]:
    item = {
        "sentence": "好",
        "emotion": "sad",
        "voice": voice,
        "heard": heard,
        "heard_emotion": "sad",
        "error": "",
    }
    return {
        "cer": cer,
        "wer": None,
        "syllable_error_rate": None,
        "emotion_accuracy": accuracy,
        "per_emotion": [{"name": "sad", "cer": cer}],
        "per_voice": [{"name": voice, "cer": cer}],
        "items": [item],
    }


def test_less_error_and_more_accuracy_is_better() -> None:
    found = compared(_result(0.1, 0.5, "好"), _result(0.3, 0.75, "号", "b"))
    assert [(line.name, line.change, line.better) for line in found.figures] == [
        ("cer", pytest.approx(0.2), 0),
        ("emotion_accuracy", 0.25, 1),
    ]
    assert [(line.name, line.values) for line in found.voices] == [("a", (0.1, None)), ("b", (None, 0.3))]
    assert (found.shared, len(found.changed)) == (1, 1)


def test_the_same_utterance_said_twice_is_two_pairs() -> None:
    run = _result(0.0, 1.0, "好")
    run["items"] *= 2
    found = compared(run, run)
    assert (found.shared, len(found.changed)) == (2, 0)
