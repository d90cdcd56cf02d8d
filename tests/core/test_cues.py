"""Cues short enough to read, at measured times; lines that break where a typesetter would break them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo import Emotion, Segment, Transcript
from tingshuo.cues import Cue, Layout, cues
from tingshuo.line_breaks import atoms, columns, joined, wrap
from tingshuo.types import Word


def spoken(text: str, units: list[str] | None = None, channel: str | None = None) -> Segment:
    """A segment in which each unit (each character that is no mark) takes 0.2 s, beginning at 1 s."""
    units = units or [letter for letter in text if letter.isalnum()]
    words = tuple(Word(unit, round(1 + 0.2 * at, 3), round(1.2 + 0.2 * at, 3)) for at, unit in enumerate(units))
    end = words[-1].end + 0.1
    return Segment(0.9, end, text, "zh", Emotion.ANGRY, {}, (), words, "model", "", channel)  # type: ignore[arg-type]


def of(segment: Segment, **layout: object) -> list[Cue]:
    return cues(Transcript(segment.text, "zh", 60.0, (segment,)), Layout(**layout))  # type: ignore[arg-type]


LONG = "我昨天买的衣服，今天收到了。可是颜色不对，我要退货！"


def test_without_limits_a_segment_is_one_cue_of_one_line() -> None:
    assert of(spoken(LONG)) == [Cue(0.9, 5.5, LONG, (LONG,))]


def test_a_long_segment_is_divided_after_the_sentence_at_the_times_of_its_words() -> None:
    first, second = of(spoken(LONG), max_cue_seconds=3)
    assert (first.text, second.text) == ("我昨天买的衣服，今天收到了。", "可是颜色不对，我要退货！")
    assert (first.start, first.end) == (0.9, 3.4)
    assert (second.start, second.end) == (3.4, 5.5)


def test_cues_hold_no_more_lines_and_columns_than_asked_for() -> None:
    found = of(spoken(LONG), max_line_length=12, max_lines=1)
    assert all(len(cue.lines) == 1 and columns(cue.lines[0]) <= 12 for cue in found)
    assert "".join(cue.text for cue in found) == LONG


def test_a_segment_whose_words_were_not_timed_stays_one_cue() -> None:
    segment = Segment(1.0, 9.0, LONG, "zh", timing="vad")
    [cue] = of(segment, max_line_length=12, max_lines=2, max_cue_seconds=2)
    assert (cue.start, cue.end) == (1.0, 9.0)
    assert all(columns(line) <= 12 for line in cue.lines)


def test_words_that_are_not_in_the_text_are_no_place_to_divide() -> None:
    segment = spoken("共计123元。谢谢。", units=["共", "计", "一", "百", "二", "十", "三", "元", "谢", "谢"])
    found = of(segment, max_cue_seconds=0.3)
    assert [cue.text for cue in found] == ["共", "计123元。谢谢。"]


def test_a_word_longer_than_a_cue_may_last_is_a_cue_all_the_same() -> None:
    segment = Segment(0.0, 9.0, "啊 啊", words=(Word("啊", 0.0, 5.0), Word("啊", 5.0, 9.0)), timing="model")
    assert [(cue.start, cue.end) for cue in of(segment, max_cue_seconds=1)] == [(0.0, 5.0), (5.0, 9.0)]


@pytest.mark.parametrize(
    ("prefix", "begins"),
    [("none", ""), ("speaker", "[left] "), ("emotion", "[angry] "), ("both", "[left, angry] ")],
)
def test_the_first_cue_of_a_segment_has_the_prefix(prefix: str, begins: str) -> None:
    found = of(spoken(LONG, channel="left"), max_cue_seconds=3, prefix=prefix)
    assert [cue.prefix for cue in found] == [begins, ""]
    assert found[0].speaker == "left"


def test_an_emotion_that_could_not_be_told_is_called_unknown_and_none_is_not_named() -> None:
    assert (
        of(Segment(0, 1, "好", emotion_scores={"unknown": 0.9}, timing="vad"), prefix="both")[0].prefix == "[unknown] "
    )
    assert of(Segment(0, 1, "好", timing="vad"), prefix="both")[0].prefix == ""


def test_the_prefix_counts_for_the_length_of_the_first_line() -> None:
    [cue] = of(Segment(0, 1, "今天天气真好", emotion=Emotion.HAPPY, timing="vad"), prefix="emotion", max_line_length=14)
    assert columns(cue.prefix + cue.lines[0]) <= 14
    assert "".join(cue.lines) == "今天天气真好"


# ---- lines


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("你好，世界！", ["你", "好，", "世", "界！"]),
        ("他说：“你好。”", ["他", "说：", "“你", "好。”"]),
        ("用Python写", ["用", "Python", "写"]),
        ("don't stop, well-known", ["don't", "stop,", "well-known"]),
        ("共3.14元（约$5）", ["共", "3.14", "元", "（约", "$5）"]),
        ("ちょっと", ["ちょっ", "と"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("  空 白  ", ["空", "白"]),
        ("", []),
    ],
)
def test_lines_may_break_between_these(text: str, parts: list[str]) -> None:
    assert [atom.text for atom in atoms(text)] == parts


def test_lines_are_of_like_length() -> None:
    assert wrap(atoms("今天天气真好我们去公园"), 14) == ["今天天气真好", "我们去公园"]
    assert wrap(atoms("the quick brown fox jumps"), 20) == ["the quick brown", "fox jumps"]


def test_a_word_longer_than_a_line_is_not_split() -> None:
    assert wrap(atoms("see https://example.org/a/long/path now"), 10) == [
        "see",
        "https://example.org/a/long/path",
        "now",
    ]


@given(st.text("你好，。！“”（）abc 12.'—ょー\n", max_size=60), st.integers(2, 20))
def test_no_line_begins_with_a_closing_mark_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(atoms(text), width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line, parts in ((line, atoms(line)) for line in lines[1:]):
        assert not line.startswith(("，", "。", "！", "）", "ょ", "ー"))
        assert columns(line) <= width or len(parts) == 1


@given(st.text(max_size=60))
def test_any_text_is_cut_into_parts_that_make_it_up(text: str) -> None:
    assert "".join(joined(atoms(text)).split()) == "".join(text.split())


@given(
    st.lists(st.text("今天好abc，。 ", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=20),
    st.integers(4, 30),
    st.floats(0.2, 5),
)
def test_cues_follow_each_other_in_time_and_lose_nothing(units: list[str], width: int, seconds: float) -> None:
    segment = spoken(" ".join(units), [" ".join(unit.split()) for unit in units])
    found = of(segment, max_line_length=width, max_cue_seconds=seconds)
    assert "".join("".join(cue.text for cue in found).split()) == "".join(segment.text.split())
    times = [time for cue in found for time in (cue.start, cue.end)]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (segment.start, segment.end)
