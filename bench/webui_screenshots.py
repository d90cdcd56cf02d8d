"""The pictures of docs/webui.md: every page at two widths, with real results of the real engines on it.

    python bench/webui_screenshots.py [--to docs/images/ui] [--only speak calls]

Starts `tingshuo serve` on a free port with an empty data folder, lets it speak calls, recognise them and run round
trips through its API, and takes the pictures with Chromium, which must be installed, as must Pillow. They have few
colours, so that a picture is small.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from screenshot_site import WAIT_SECONDS, Made, Site, fill, serving

#: CSS pixels: a phone, a desk.
WIDTHS = (390, 1280)
#: A picture shows no more of a long page than this.
HEIGHTS = {390: 1500, 1280: 1100}
COLOURS = 128
EXACT = 96


def _upload(page: Page, made: Made) -> None:
    page.set_input_files("#files", [made.folder / "refund.wav", made.folder / "lost.wav"])
    page.locator(".upload a.open").nth(1).wait_for()


def _speak(page: Page, _: Made) -> None:
    page.locator('input[name="emotion"][value="happy"]').check(force=True)
    page.click("#say")
    page.locator("#takes li").wait_for()
    page.locator("#say:enabled").wait_for()
    page.locator("#frontend summary").click()
    page.locator("#reading button").first.wait_for()


def _side_by_side(page: Page, _: Made) -> None:
    page.fill("#text", "你怎么又迟到了？")
    for side, emotion in (("A", "angry"), ("B", "sad")):
        page.locator(f"[data-side={side}] select").select_option(index=0)
        page.locator(f'[data-side={side}] input[value="{emotion}"]').check(force=True)
    page.click("#both")
    for side in "AB":
        page.locator(f"[data-side={side}] [data-scores] dt").first.wait_for()
    page.evaluate("for (const audio of document.querySelectorAll('#ab audio')) audio.currentTime = 0.6")
    page.click('[data-better="A"]')
    page.locator("#ab").evaluate("(box) => { document.querySelector('main').replaceChildren(box); }")


def _wave(page: Page, _: Made) -> None:
    page.locator("#player").wait_for()
    page.wait_for_timeout(1500)  # the wave is drawn


def _as_it_is(_page: Page, _made: Made) -> None:
    pass


@dataclass(frozen=True)
class Picture:
    """A page, what is done on it first, its language and theme."""

    name: str
    path: str
    prepare: Callable[[Page, Made], None] = _as_it_is
    language: str = "en"
    theme: str = "light"


#: What others leave in the history would crowd the first ones.
PICTURES = (
    Picture("lab", "/lab"),
    Picture("history", "/history"),
    Picture("batches", "/batches"),
    Picture("calls", "/calls"),
    Picture("calls-zh-dark", "/calls", _as_it_is, "zh", "dark"),
    Picture("admin", "/admin/"),
    Picture("sign-in", "/sign-in"),
    Picture("transcribe", "/", _upload),
    Picture("transcript", "/jobs/{made.transcript}", _wave),
    Picture("transcript-zh", "/jobs/{made.transcript}", _wave, "zh"),
    Picture("speak", "/speak", _speak),
    Picture("side-by-side", "/speak", _side_by_side),
    Picture("speak-zh-dark", "/speak", _speak, "zh", "dark"),
    Picture("roundtrip", "/jobs/{made.runs[1]}"),
    Picture("compare", "/lab/compare?run={made.runs[0]}&run={made.runs[1]}"),
    Picture("speech", "/jobs/{made.speech}"),
)


def _context(browser: Browser, site: Site, width: int, picture: Picture) -> BrowserContext:
    """A visitor, signed in but for the page that asks for it."""
    locale = {"en": "en-GB", "zh": "zh-CN"}[picture.language]
    context = browser.new_context(
        base_url=site.url, locale=locale, color_scheme="light", viewport={"width": width, "height": 800}
    )
    context.set_default_timeout(WAIT_SECONDS * 1000)
    if picture.name != "sign-in":
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("#key", site.key)
        page.click("button.main")
        page.wait_for_url(f"{site.url}/")
        page.close()
    return context


def with_few_colours(picture: Image.Image) -> Image.Image:
    """The picture with a palette: its most frequent colours as they are, so that areas keep theirs, and a few more."""
    counted = sorted(picture.getcolors(2**24) or [], reverse=True)[:EXACT]
    exact = [channel for _, colour in counted for channel in cast("tuple[int, int, int]", colour)]
    rest = picture.quantize(COLOURS - EXACT, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(exact + rest[: 3 * (COLOURS - EXACT)])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def take(browser: Browser, site: Site, made: Made, picture: Picture, width: int) -> bytes:
    """The picture as a PNG file of few colours."""
    context = _context(browser, site, width, picture)
    page = context.new_page()
    reply = page.goto(picture.path.format(made=made))
    if reply is None or not reply.ok:
        raise SystemExit(f"{page.url}: {reply.status if reply else 'no reply'}")
    page.evaluate(f"document.documentElement.dataset.theme = '{picture.theme}'")
    picture.prepare(page, made)
    height = min(HEIGHTS[width], page.evaluate("document.documentElement.scrollHeight"))
    shot = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    context.close()
    few = with_few_colours(Image.open(io.BytesIO(shot)).convert("RGB"))
    target = io.BytesIO()
    few.save(target, "PNG", optimize=True)
    return target.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pictures and tell their sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path("docs/images/ui"))
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("there is no chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as site, sync_playwright() as playwright:
        made = fill(site, Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for picture in PICTURES:
            for width in WIDTHS:
                if not options.only or picture.name in options.only:
                    target = options.to / f"{picture.name}-{width}.png"
                    target.write_bytes(take(browser, site, made, picture, width))
                    print(f"{target} {target.stat().st_size / 1000:.0f} kB", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
