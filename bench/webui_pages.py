"""How the page of a long transcript behaves in a browser.

    python bench/webui_pages.py [--segments 2500] [--hours 2] [--rounds 5] [--sound]

Writes a transcript of that length into an empty data folder, starts the API with its pages, and opens the page in
Chromium. Told are medians over the rounds: when the server had answered, when the page was drawn first, when its last
task of more than 50 ms had ended (it can be used from then on), how long such tasks blocked it, and what an edit costs;
then the times between frames while the whole transcript is scrolled through, with `content-visibility: auto` on its
rows and without, twice in turn. --sound also opens a recording of that length from a file and
tells how long its wave takes and how frames do while it is zoomed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
import wave
from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from page_probes import EDIT, FRAMES, MOMENTS, RECORD, WATCH
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tingshuo import auth, db
from tingshuo.calls import in_brief
from tingshuo.db import Job
from tingshuo.outcome import labels_of
from tingshuo.recording import new_job_id
from tingshuo.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from serving import Server, running

MOODS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
EVENTS = ("laughter", "applause", "music")
SENTENCES = (
    "我已经等了三天了，我要退款！",
    "今天真高兴，我们去公园吧！",
    "请把这份报告在下周一之前发给我，附上去年同期的数字，我们开会的时候要用。",
    "外面下着雨，他一个人走回家。",
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
RATE = 8000
#: Pixels a second of a scroll, as of a wheel that is turned fast.
SPEED = 8000

VARIANTS = {
    "scrolled, rows laid out when seen": ".cue { content-visibility: auto; contain-intrinsic-size: auto 3rem }",
    "scrolled, all rows laid out": ".cue { content-visibility: visible }",
}


def transcript(segments: int, seconds: float, chance: random.Random) -> Job:
    """A call of two sides with moods that turn."""
    length = seconds / segments
    heard: list[dict[str, Any]] = []
    for number in range(segments):
        mood = chance.choice(MOODS)
        rest = dict.fromkeys(MOODS, 0.05)
        start = round(number * length, 2)
        events = [{"label": chance.choice(EVENTS), "start": start, "end": start + 1, "score": 0.8}]
        heard.append(
            {
                "start": start,
                "end": round((number + 0.9) * length, 2),
                "text": chance.choice(SENTENCES),
                "language": "zh",
                "emotion": {"label": mood, "score": 0.7, "scores": {**rest, mood: 0.7}},
                "events": events if chance.random() < 0.05 else [],
                "timing": "vad",
                "channel": chance.choice(("left", "right")),
            }
        )
    result = {"text": "".join(one["text"] for one in heard), "language": "zh", "duration": seconds, "segments": heard}
    now = datetime.now(UTC)
    return Job(
        id=new_job_id(),
        kind="transcription",
        status="succeeded",
        caller="bench",
        engine="sensevoice",
        engine_version="1",
        parameters={"language": "auto"},
        input_name="meeting.wav",
        output_text=result["text"],
        result=result,
        labels=labels_of("transcription", {}, result),
        audio_seconds=seconds,
        processing_seconds=60.0,
        created_at=now,
        started_at=now,
        finished_at=now,
    )


def written(settings: Settings, job: Job) -> str:
    """The id under which it is in the database."""
    with db.session(settings) as session:
        session.add(job)
        session.flush()
        session.add(in_brief(job))
        return str(job.id)


def signed_in(browser: Browser, server: Server) -> BrowserContext:
    context = browser.new_context(
        base_url=server.url, viewport={"width": 1280, "height": 900}, bypass_csp=True, locale="en-US"
    )
    context.set_default_timeout(120_000)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("#key", server.key)
    page.click("button.main")
    page.wait_for_url(f"{server.url}/")
    page.close()
    return context


def opened(context: BrowserContext, path: str) -> Page:
    """The page, once its script has run and nothing long follows."""
    page = context.new_page()
    page.goto(path)
    page.locator("#no-sound").wait_for()
    page.wait_for_timeout(500)
    return page


def scrolled(page: Page) -> list[float]:
    """Milliseconds between frames from the top of the page to its end."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.evaluate(RECORD)
    session = page.context.new_cdp_session(page)
    # A transcript whose rows are not laid out yet becomes longer on the way, so it goes on until it is at its end.
    while not page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2"):
        session.send(
            "Input.synthesizeScrollGesture",
            {"x": 640, "y": 450, "yDistance": -40_000, "speed": SPEED, "gestureSourceType": "mouse"},
        )
    frames: list[float] = page.evaluate(FRAMES)
    return sorted(frames)


def frames_line(name: str, frames: list[float]) -> str:
    high = frames[round(0.99 * (len(frames) - 1))]
    late = sum(one > 34 for one in frames) / len(frames)
    return f"| {name} | {len(frames)} | {statistics.median(frames):.1f} | {high:.1f} | {frames[-1]:.0f} | {late:.1%} |"


def recording(path: Path, seconds: float) -> None:
    """Noise that swells and falls, one channel of 8 kHz."""
    chance = random.Random(2)
    second = array("h", (chance.randint(-8000, 8000) for _ in range(RATE)))
    quiet = array("h", (sample // 8 for sample in second))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for number in range(int(seconds)):
            file.writeframes((second if number % 3 else quiet).tobytes())


def with_sound(page: Page, file: Path) -> None:
    start = time.perf_counter()
    page.set_input_files("#sound", file)
    page.locator("#player").wait_for()
    regions = "document.querySelector('#wave > div').shadowRoot.querySelectorAll('[part~=region]').length"
    print(f"\nwave after {time.perf_counter() - start:.1f} s, {page.evaluate(regions)} regions")
    page.evaluate(RECORD)
    for number in range(0, 30, 3):
        page.locator("#zoom").fill(str(number))
        page.wait_for_timeout(50)
    zoomed = sorted(page.evaluate(FRAMES))
    print(FRAMES_HEAD)
    print(frames_line("zoomed in", zoomed))
    print(frames_line("scrolled with the wave above", scrolled(page)))


FRAMES_HEAD = "\n| frames while | frames | median ms | 99 % | slowest | later than 34 ms |\n|---|---|---|---|---|---|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=2500)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sound", action="store_true", help="open a recording of that length too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        settings = load_settings(data_dir=data)
        db.upgrade(settings)
        _, token = auth.create_key(settings, "bench", ["admin"])
        job = written(settings, transcript(given.segments, 3600 * given.hours, random.Random(1)))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with running(data, token) as server:
            context = signed_in(browser, server)
            moments = []
            for _ in range(given.rounds + 1):
                page = opened(context, f"/jobs/{job}")
                moments.append({**page.evaluate(MOMENTS), "edit": page.evaluate(EDIT)})
                page.locator("#undo").click()
                page.close()
            print("| moment | median |\n|---|---|")
            for name in moments[0]:
                print(f"| {name} | {statistics.median(one[name] for one in moments[1:]):.0f} |", flush=True)
            print(FRAMES_HEAD)
            # Each on a page of its own, in turn: what has been drawn once is drawn faster.
            for _ in range(2):
                for name, style in VARIANTS.items():
                    page = opened(context, f"/jobs/{job}")
                    page.add_style_tag(content=style)
                    print(frames_line(name, scrolled(page)), flush=True)
                    page.close()
            if given.sound:
                file = Path(folder) / "meeting.wav"
                recording(file, 3600 * given.hours)
                with_sound(opened(context, f"/jobs/{job}"), file)
            browser.close()


if __name__ == "__main__":
    main()
