"""Subtitles with measured times only, that no text can break."""

from __future__ import annotations

import html
import io
from itertools import pairwise

import av
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo import Segment, Transcript
from tingshuo.cues import Layout
from tingshuo.errors import InvalidRequest
from tingshuo.subtitles import WRITERS, to_ass, to_lrc, to_srt, to_vtt
from tingshuo.types import Word


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


@pytest.mark.parametrize("write", WRITERS.values())
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


def test_ass_has_the_channel_as_actor_and_no_styles_of_a_speaker() -> None:
    text = to_ass(heard(Segment(1.0, 2.5, "{\\b1}a\nb", timing="vad", channel="right")))
    assert text.splitlines()[-1] == "Dialogue: 0,0:00:01.00,0:00:02.50,Default,right,0,0,0,,[right] ｛＼b1｝a b"


def test_lrc_has_a_line_a_cue_and_an_empty_one_where_silence_follows() -> None:
    song = heard(Segment(1.0, 2.5, "[00:09.00]你好", timing="vad"), Segment(2.6, 3725.004, "再见", timing="vad"))
    assert to_lrc(song) == "[00:01.00]［00:09.00］你好\n[00:02.60]再见\n[62:05.00]\n"


LONG = "我昨天买的衣服，今天收到了。But its <colour> {is} wrong, 我要退货！"
UNITS = [*"我昨天买的衣服今天收到了", "But", "its", "colour", "is", "wrong", *"我要退货"]
TIMED = Segment(
    1.0,
    1.0 + 0.5 * len(UNITS),
    LONG,
    words=tuple(Word(unit, 1 + 0.5 * at, 1.5 + 0.5 * at) for at, unit in enumerate(UNITS)),
    timing="model",
    channel="left",
)


def read_by_ffmpeg(text: str, format_: str) -> list[tuple[float, float, str]]:
    """(start, end, text) of every packet as FFmpeg's demuxer of the format reads it: a parser that is not ours."""
    with av.open(io.BytesIO(text.encode()), mode="r", format=format_) as container:
        return [
            (
                float(packet.pts * packet.time_base),
                float((packet.pts + (packet.duration or 0)) * packet.time_base),
                bytes(packet).decode().strip(),
            )
            for packet in container.demux()
            if packet.pts is not None and packet.time_base is not None and packet.size
        ]


@pytest.mark.parametrize(("ending", "format_"), [("srt", "srt"), ("vtt", "webvtt"), ("ass", "ass"), ("lrc", "lrc")])
@pytest.mark.parametrize("layout", [Layout(), Layout(24, 2, 4.0, "both"), Layout(16, 1, 2.5, "none")])
def test_another_parser_reads_the_cues_that_were_written(ending: str, format_: str, layout: Layout) -> None:
    found = [cue for cue in read_by_ffmpeg(WRITERS[ending](heard(TIMED), layout), format_) if cue[2]]
    assert (found[0][0], len(found) > 1) == (1.0, layout.divides)
    assert all(before[1] <= after[0] + 0.02 for before, after in pairwise(found))
    if ending != "lrc":
        assert found[-1][1] == pytest.approx(TIMED.end, abs=0.02)
        assert all(end - start <= (layout.max_cue_seconds or 99) + 0.02 for start, end, _ in found)
    said = "".join(text.split(",", 8)[-1] if ending == "ass" else text for _, _, text in found)
    assert plain(said.removeprefix("[left]").removeprefix("［left］")) == plain(LONG)


def plain(text: str) -> str:
    """Text without what a format had to write in another way."""
    text = html.unescape(text).replace("\\N", "")
    return "".join(text.split()).translate(str.maketrans("＜＞｛｝［］", "<>{}[]"))


@pytest.mark.parametrize("ending", WRITERS)
def test_no_line_is_longer_than_asked_for(ending: str) -> None:
    if ending == "srt":
        lines = [line for line in to_srt(heard(TIMED), Layout(16, 2, None, "none")).splitlines() if "-->" not in line]
        assert max(map(len, lines)) <= 16
    text = WRITERS[ending](heard(TIMED), Layout(16, 2))
    assert "wrong" in text


@given(st.lists(st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip())), min_size=1, max_size=4))
def test_whatever_is_said_ass_and_lrc_have_a_line_a_segment(texts: list[str]) -> None:
    transcript = heard(*(Segment(float(at), at + 0.5, text, timing="vad") for at, text in enumerate(texts)))
    assert to_ass(transcript).count("Dialogue:") == len(texts) + sum("Dialogue:" in text for text in texts)
    lines = to_lrc(transcript).split("\n")
    assert len(lines) == 2 * len(texts) + 1
    assert all(line.startswith("[00:0") for line in lines[:-1])
