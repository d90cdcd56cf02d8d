"""Subtitles with measured times only, that no text can break."""

from __future__ import annotations

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo import Segment, Transcript
from tingshuo.errors import InvalidRequest
from tingshuo.subtitles import to_srt, to_vtt


def heard(*segments: Segment) -> Transcript:
    return Transcript("".join(segment.text for segment in segments), "zh", 10_000.0, segments)


TWO = heard(
    Segment(0.5, 2.25, "你好。", timing="vad"), Segment(3661.0014, 3662.5, "再见！", timing="model", channel="left")
)


def test_srt_has_numbers_comma_times_and_text() -> None:
    assert to_srt(TWO) == (
        "1\n00:00:00,500 --> 00:00:02,250\n你好。\n\n2\n01:01:01,001 --> 01:01:02,500\n[left] 再见！\n\n"
    )


def test_vtt_has_a_header_point_times_and_text() -> None:
    assert to_vtt(TWO) == (
        "WEBVTT\n\n1\n00:00:00.500 --> 00:00:02.250\n你好。\n\n2\n01:01:01.001 --> 01:01:02.500\n[left] 再见！\n\n"
    )


@pytest.mark.parametrize("write", [to_srt, to_vtt])
def test_times_that_were_not_measured_are_never_made_up(write: object) -> None:
    assert callable(write)
    with pytest.raises(InvalidRequest, match="measured no times") as error:
        write(heard(Segment(0.0, 2.0, "你好。"), Segment(2.0, 3.0, "好", timing="vad")))
    assert error.value.param == "response_format"


def test_silence_is_a_file_without_cues() -> None:
    assert to_srt(heard()) == ""
    assert to_vtt(heard()).strip() == "WEBVTT"
    assert to_srt(heard(Segment(0.0, 1.0, " "))) == ""


def test_markup_and_time_lines_in_a_text_are_escaped_in_vtt() -> None:
    text = to_vtt(heard(Segment(0.0, 1.0, "a <b>&</b>\n\n00:01 --> 00:02 {\\an8} \\N", timing="vad")))
    assert text.splitlines()[3:] == [
        "00:00:00.000 --> 00:00:01.000",
        "a &lt;b&gt;&amp;&lt;/b&gt; 00:01 --&gt; 00:02 {＼an8} ＼N",
        "",
    ]


def test_markup_and_time_lines_in_a_text_have_look_alikes_in_srt() -> None:
    text = to_srt(heard(Segment(0.0, 1.0, "<i>x</i>\n\n2\n00:00:01,000 --> 00:00:02,000\ny", timing="vad")))
    assert text.splitlines()[2] == "＜i＞x＜/i＞ 2 00:00:01,000 --＞ 00:00:02,000 y"


@given(st.lists(st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip())), min_size=1, max_size=4))
def test_whatever_is_said_there_are_as_many_cues_as_segments(texts: list[str]) -> None:
    transcript = heard(*(Segment(float(at), at + 0.5, text, timing="vad") for at, text in enumerate(texts)))
    for name, text in (("srt", to_srt(transcript)), ("vtt", to_vtt(transcript))):
        cues = pysubs2.SSAFile.from_string(text, format_=name, keep_html_tags=True)
        assert [cue.start for cue in cues] == [1000 * at for at in range(len(texts))]
        assert text.count("-->") == len(texts)
