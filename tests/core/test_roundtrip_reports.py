"""A round trip's result as JSON, CSV and one page that needs nothing beside it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tingshuo import Audio, Emotion, TranscribeOptions, Transcript
from tingshuo.reports import differences, report_csv, report_html, report_json, write_report
from tingshuo.roundtrip import RoundtripPlan, RoundtripResult, run
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of

VOID = {"meta", "br"}


class Mumbling(ToneRecognizer):
    """Loses the last character of every sentence and hears every emotion as happy."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        transcript = super().transcribe(audio, options)
        [segment] = transcript.segments
        segment = replace(segment, emotion=Emotion.HAPPY, emotion_scores={"happy": 0.9})
        return replace(transcript, text=transcript.text[:-1], segments=(segment,))


@pytest.fixture(scope="module")
def result() -> RoundtripResult:
    plan = RoundtripPlan(("诗和远方", '<script>alert("x")</script>', "=1+1 &amp; 好"), voices=("high",), keep_audio=3)
    return run(engines_of(ToneSynthesizer(), Mumbling()), plan)


class Page(HTMLParser):
    """Checks that every element is closed, and collects text and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_json_has_all_figures_and_every_item(result: RoundtripResult) -> None:
    document = json.loads(report_json(result))
    assert document["n"] == len(document["items"]) == 21
    assert document["emotion_accuracy"] == pytest.approx(1 / 7)
    assert document["confusion"]["sad"]["happy"] == 3
    assert document["per_voice"][0]["name"] == "high"
    assert document["items"][0]["cer_edits"] == {"substitutions": 0, "deletions": 1, "insertions": 0, "length": 4}
    assert document["synthesizer"] == {"name": "tones", "version": "1", "model": "sixteen tones", "origin": "embedded"}
    assert "audio" not in document["items"][0]


def test_the_csv_has_a_row_for_each_utterance_and_no_formula(result: RoundtripResult) -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(result).removeprefix("\ufeff"), newline="")))
    assert len(rows) == 21
    assert rows[0]["heard"] == "诗和远"
    assert float(rows[0]["cer"]) == 0.25
    assert {row["sentence"][:3] for row in rows} == {"诗和远", "<sc", "'=1"}


def test_the_page_is_well_formed_and_asks_nothing_of_the_network(result: RoundtripResult) -> None:
    html = report_html(result)
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "img", "iframe")
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"https?://|url\(|@import", html)
    assert "prefers-color-scheme: dark" in html


def test_what_was_said_cannot_write_into_the_page(result: RoundtripResult) -> None:
    assert "<script" not in report_html(result)
    assert '<script>alert("x")</script>' in Page(report_html(result)).text
    assert "=1+1 &amp; 好" in Page(report_html(result)).text


def test_the_worst_cases_can_be_read_and_heard(result: RoundtripResult) -> None:
    page = Page(report_html(result))
    sounds = [attributes["src"] for tag, attributes in page.tags if tag == "audio"]
    assert len(sounds) == 3
    assert all(sound and sound.startswith("data:audio/mpeg;base64,") for sound in sounds)
    assert any(tag == "del" for tag, _ in page.tags)


def test_the_heat_map_shows_the_share_of_each_row(result: RoundtripResult) -> None:
    html = report_html(result)
    assert "--tone: var(--wrong); --share: 70.0%" in html
    assert "--tone: var(--right); --share: 70.0%" in html


def test_a_perfect_run_says_so_and_one_without_emotions_shows_a_dash() -> None:
    class Unfeeling(ToneRecognizer):
        def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
            transcript = super().transcribe(audio, options)
            segments = [replace(segment, emotion=None, emotion_scores={}) for segment in transcript.segments]
            return replace(transcript, segments=tuple(segments))

    plan = RoundtripPlan(("It is fine.",), language="en", voices=("low",))
    page = Page(report_html(run(engines_of(ToneSynthesizer(), Unfeeling()), plan)))
    assert "Every utterance was heard as it was spoken" in page.text
    assert "–" in page.text
    assert "WER" in page.text


def test_differences_are_told_in_order() -> None:
    assert differences("诗和远方。", "师和远方啊", "zh") == [
        ("missing", "诗"),
        ("added", "师"),
        ("equal", "和远方"),
        ("added", "啊"),
    ]
    assert differences("It is 2 o'clock", "it was two oclock", "en") == [
        ("equal", "it"),
        ("missing", "is"),
        ("added", "was"),
        ("equal", "two oclock"),
    ]
    assert differences("好", "", "zh") == [("missing", "好")]


def test_a_report_is_written_whole_beside_what_was_there(result: RoundtripResult, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "today"
    folder.mkdir(parents=True)
    (folder / "roundtrip.json").write_text("old", encoding="utf-8")
    paths = write_report(result, folder)
    assert sorted(paths) == ["csv", "html", "json"]
    assert sorted(path.name for path in folder.iterdir()) == ["roundtrip.csv", "roundtrip.html", "roundtrip.json"]
    assert json.loads(paths["json"].read_text(encoding="utf-8"))["n"] == 21
    assert paths["csv"].read_bytes().startswith(b"\xef\xbb\xbfsentence,")
    assert b"\r\r\n" not in paths["csv"].read_bytes()
