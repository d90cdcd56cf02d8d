"""The page where recordings go in: files, the microphone, and how to listen."""

from __future__ import annotations

import re
import time
import wave
from pathlib import Path

import httpx2 as httpx
import pytest
from playwright.sync_api import FilePayload, Page, Route, expect
from serving import Server, running


@pytest.fixture(scope="session")
def two_sides(call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`call` as a telephone call: who is angry on the left, and who is happy then on the right."""
    with wave.open(str(call), "rb") as file:
        rate, samples = file.getframerate(), memoryview(file.readframes(file.getnframes())).cast("h").tolist()
    middle = len(samples) // 2
    frames = memoryview(bytearray(4 * len(samples))).cast("h")
    for at, sample in enumerate(samples):
        frames[2 * at + (0 if at < middle else 1)] = sample
    path = tmp_path_factory.mktemp("recordings") / "two-sides.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())
    return path


def _transcript(page: Page) -> None:
    """Open the transcript of the newest upload."""
    page.locator(".upload .open").first.click(timeout=120_000)
    expect(page.locator("#player")).to_be_visible(timeout=30_000)


def test_the_microphone_is_heard_while_it_records_and_transcribed_after(page: Page) -> None:
    page.goto("/")
    page.click("#record")
    expect(page.locator("#record")).to_have_attribute("aria-pressed", "true")
    # Not wait_for_function: it evaluates a string in the page, which the page's policy forbids.
    until = time.monotonic() + 30
    while page.locator("#level").evaluate("meter => meter.value") <= 0.3:
        assert time.monotonic() < until
        page.wait_for_timeout(50)
    # Text of a realtime session, while the recording goes on.
    expect(page.locator("#partial")).to_have_text(re.compile("[天退款公园]"), timeout=60_000)
    page.click("#record")
    expect(page.locator(".upload .name")).to_have_text(re.compile(r"^recording .*\.wav$"))
    _transcript(page)
    expect(page.locator(".cue .said").first).to_have_text(re.compile("[天退款公园]"))


def test_many_files_dropped_at_once_are_all_transcribed(page: Page, call: Path) -> None:
    page.goto("/")
    # What a drop hands over: the files of the page's own chooser, as a browser lets a script make no others.
    page.evaluate(
        """document.body.append(
          Object.assign(document.createElement("input"), { type: "file", id: "lent", multiple: true })
        )"""
    )
    sound = call.read_bytes()
    files: list[FilePayload] = [{"name": f"{name}.wav", "mimeType": "audio/wav", "buffer": sound} for name in "abcde"]
    page.set_input_files("#lent", files)
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          for (const file of document.getElementById("lent").files) dataTransfer.items.add(file);
          for (const type of ["dragenter", "dragover", "drop"]) {
            document.getElementById("drop").dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true }));
          }
        }"""
    )
    expect(page.locator(".upload")).to_have_count(5)
    expect(page.locator(".upload .open:visible")).to_have_count(5, timeout=120_000)
    assert sorted(page.locator(".upload .name").all_inner_texts()) == [f"{name}.wav" for name in "abcde"]


def test_what_the_visitor_chose_is_what_the_engine_is_told(page: Page, call: Path, server: Server) -> None:
    page.goto("/")
    page.select_option("#language", "zh")
    page.get_by_text("More", exact=True).click()
    page.locator("#merge").fill("2")
    expect(page.locator("output[for=merge]")).to_have_text("2 s")
    page.fill("#hotwords", "退款\n公园")
    page.uncheck("[name=itn]")
    page.check("[name=words]")
    page.check("[name=force_emotion]")
    page.set_input_files("#files", call)
    _transcript(page)
    job = httpx.get(f"{server.url}/v1/jobs/{page.url.rpartition('/')[2]}", headers=server.headers).json()
    told = job["parameters"]
    assert (told["language"], told["merge_length_s"], told["itn"], told["force_emotion"]) == ("zh", 2, False, True)
    assert "退款" in str(told)
    assert all(segment["words"] for segment in job["result"]["segments"])


def test_each_side_of_a_call_has_a_lane(page: Page, two_sides: Path) -> None:
    page.goto("/")
    page.select_option("#channel", "split")
    page.set_input_files("#files", two_sides)
    _transcript(page)
    expect(page.locator(".chart")).to_have_count(2)
    assert page.locator("h3:has(+ .chart)").all_inner_texts() == ["left", "right"]
    for side, emotion in enumerate(("angry", "happy")):
        lane, cue = page.locator(".chart").nth(side), page.locator(".cue").nth(side)
        expect(cue).to_have_attribute("data-emotion", emotion)
        expect(cue.locator(".badge").first).to_have_text(("left", "right")[side])
        assert lane.locator(f"rect[data-emotion={emotion}]").count() == 1


def test_what_is_no_recording_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    (tmp_path / "<b>notes.wav").write_bytes(b"these are no samples")
    page.goto("/")
    page.set_input_files("#files", tmp_path / "<b>notes.wav")
    problem = page.locator(".upload .problem")
    expect(problem).to_be_visible(timeout=30_000)
    assert "no sound could be decoded" in problem.inner_text()
    expect(page.locator(".upload .name")).to_have_text("<b>notes.wav")


def test_an_upload_that_the_network_lost_is_tried_again(page: Page, call: Path, foreseen: list[str]) -> None:
    foreseen.append("net::ERR_FAILED")

    def lose(route: Route) -> None:
        route.abort()

    page.goto("/")
    page.route("**/api/v1/jobs", lose)
    page.set_input_files("#files", call)
    expect(page.locator(".upload .problem")).to_contain_text("The server does not answer")
    page.unroute("**/api/v1/jobs")
    page.get_by_role("button", name="Try again").click()
    _transcript(page)


def test_a_recording_is_chosen_and_read_with_the_keyboard_alone(page: Page, call: Path) -> None:
    page.goto("/")
    reached: list[str] = []
    while "more" not in reached and len(reached) < 40:
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim().toLowerCase()")
        )
    assert {"files", "record", "language", "channel", "more"} <= set(reached)
    page.keyboard.press("Enter")
    expect(page.locator("#hotwords")).to_be_visible()
    page.set_input_files("#files", call)  # the chooser is the operating system's
    page.locator(".upload .open").wait_for(timeout=120_000)
    page.locator(".upload .open").press("Enter")
    expect(page.locator("#player")).to_be_visible(timeout=30_000)
    page.locator("h1").click()
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")


def test_a_server_without_a_recogniser_still_has_its_page(tmp_path: Path) -> None:
    with (
        running(tmp_path / "data", TINGSHUO_PLUGINS="espeak") as server,
        httpx.Client(base_url=server.url, follow_redirects=True) as visitor,
    ):
        token = visitor.get("/sign-in").text.partition('name="csrf-token" content="')[2].partition('"')[0]
        reply = visitor.post("/sign-in", data={"key": server.key, "csrf_token": token})
        assert reply.status_code == 200
        assert 'id="drop"' in reply.text
