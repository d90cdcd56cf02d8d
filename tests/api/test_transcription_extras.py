"""Hotwords, subtitles and preprocessing over POST /v1/audio/transcriptions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo.audio import encode
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, Emotion, Segment, TranscribeOptions, Transcript, Utterance, Word

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

PATH = "/v1/audio/transcriptions"


def wav(text: str) -> bytes:
    return encode(ToneSynthesizer().synthesize(Utterance(text, "high", Emotion.HAPPY)), "wav")


def ask(client: TestClient, text: str, **fields: Any) -> Any:
    return client.post(PATH, files={"file": ("a.wav", wav(text))}, data=fields)


def test_hotwords_come_from_prompt_and_keywords_and_are_told(client: TestClient) -> None:
    reply = ask(client, "请找章威和李那", **{"prompt": "张薇，王五", "keywords[]": ["李娜"]}).json()
    assert reply["text"] == "请找张薇和李娜"
    replaced = [{"heard": "章威", "hotword": "张薇"}, {"heard": "李那", "hotword": "李娜"}]
    assert reply["tingshuo"]["hotwords"] == replaced
    assert reply["tingshuo"]["segments"][0]["hotwords"] == replaced
    job = client.get(f"/v1/jobs/{reply['tingshuo']['job']}").json()
    assert job["result"]["text"] == "请找张薇和李娜"
    assert job["parameters"]["hotwords"] == ["李娜", "张薇", "王五"]


def test_hundreds_of_keywords_are_taken_and_more_are_refused(client: TestClient) -> None:
    assert ask(client, "好", keywords=[f"名字{at}" for at in range(500)]).status_code == 200
    reply = ask(client, "好", keywords=[f"名字{at}" for at in range(501)])
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "keywords")


def test_hotwords_are_in_the_events_of_a_stream(client: TestClient) -> None:
    reply = ask(client, "请找章威", prompt="张薇", stream="true")
    assert "请找张薇" in reply.text
    assert "请找章威" not in reply.text


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [
        ("ass", "text/x-ssa", "[Script Info]"),
        ("lrc", "text/plain", "[00:0"),
        ("csv", "text/csv", "\ufeffchannel,start"),
        ("srt", "application/x-subrip", "1\n00:"),
    ],
)
def test_every_subtitle_format_has_its_type(client: TestClient, name: str, kind: str, begins: str) -> None:
    reply = ask(client, "今天真高兴", response_format=name)
    assert reply.headers["content-type"].startswith(kind)
    assert reply.text.startswith(begins)
    assert "今天真高兴" in reply.text


class Timed(ToneRecognizer):
    """Gives each character of what it hears a time, if asked for."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        heard = super().transcribe(audio, options)
        [segment] = heard.segments
        step = (segment.end - segment.start) / len(segment.text)
        words = tuple(
            Word(letter, segment.start + at * step, segment.start + (at + 1) * step)
            for at, letter in enumerate(segment.text)
        )
        timed = Segment(
            segment.start,
            segment.end,
            segment.text,
            "zh",
            segment.emotion,
            words=words if options.words else (),
            timing="model",
        )
        return Transcript(heard.text, "zh", heard.duration, (timed,))


def test_subtitles_are_laid_out_as_the_form_says(serve: Serve, key: Key) -> None:
    client = serve(Timed())
    client.headers.update(key(client, "admin"))
    text = "今天天气真好，我们去公园。晚上回家。"
    reply = ask(client, text, response_format="srt", max_line_length="14", max_lines="1", prefix="emotion")
    lines = [line for line in reply.text.splitlines() if line and not line.isdigit() and "-->" not in line]
    assert lines[0].startswith("[happy] 今天")
    assert len(lines) >= 3
    assert "".join(lines).removeprefix("[happy] ") == text
    assert reply.text.count("-->") == len(lines)


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_line_length", "3"), ("max_lines", "0"), ("max_cue_seconds", "0"), ("prefix", "mood"), ("denoise", "loud")],
)
def test_values_that_make_no_sense_are_refused_by_name(client: TestClient, field: str, value: str) -> None:
    reply = ask(client, "好", **{field: value})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, field)


def test_preprocessing_is_done_before_recognition_and_recorded(client: TestClient) -> None:
    reply = ask(client, "今天真高兴", loudness="true")
    assert reply.json()["text"] == "今天真高兴"
    job = client.get(f"/v1/jobs/{reply.json()['tingshuo']['job']}").json()
    assert (job["parameters"]["loudness"], job["parameters"]["denoise"]) == (True, False)


def test_a_table_has_a_row_for_each_segment(client: TestClient) -> None:
    reply = ask(client, "今天真高兴", response_format="csv")
    [row] = csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"), newline=""))
    assert (row["emotion"], row["text"]) == ("happy", "今天真高兴")
