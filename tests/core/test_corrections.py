"""What a correction makes of a stored result."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo.corrections import Line, Wish, changed, corrected, lines_heard, lines_wished
from tingshuo.errors import InvalidRequest


def _result(*texts: str, channel: str | None = None, duration: float = 10.0) -> dict[str, Any]:
    segments = [
        {
            **{"start": float(at), "end": at + 1.0, "text": text, "language": "zh", "emotion": None, "events": []},
            **{"timing": "vad", "hotwords": [{"heard": "a", "hotword": "b"}]},
            **({"channel": channel} if channel else {}),
        }
        for at, text in enumerate(texts)
    ]
    return {"text": "-".join(texts), "language": "zh", "duration": duration, "segments": segments}


def _text(result: dict[str, Any], *texts: str) -> str:
    wishes = [Wish(number, text=text) for number, text in enumerate(texts)]
    return str(corrected(result, lines_wished(result, wishes))["text"])


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (("你好。", "再见。"), "你好。再见。"),
        (("hello", "there"), "hello there"),
        (("你好", "there"), "你好 there"),
        (("안녕", "하세요"), "안녕 하세요"),
        (("こんにちは", "世界"), "こんにちは世界"),
        (("", "再见"), "再见"),
        (("  ", "a"), "a"),
        (("a\n", "b"), "a\nb"),
    ],
)
def test_texts_are_joined_as_the_script_has_it(texts: tuple[str, ...], joined: str) -> None:
    assert _text(_result("一", "二"), *texts) == joined


def test_the_sides_of_a_call_are_lines() -> None:
    assert _text(_result("一", "二", channel="left"), "三", "四") == "三\n四"


def test_what_was_not_touched_is_as_it_was_heard_to_the_letter() -> None:
    result = _result("一", "二")
    lines = lines_wished(result, [Wish(0), Wish(1, start=1.0, text="二")])
    assert changed(result, lines) == 0
    assert corrected(result, lines) == result


def test_hotwords_stay_with_the_text_they_were_put_into() -> None:
    result = _result("一", "二")
    one, two = corrected(result, lines_wished(result, [Wish(0, text="三"), Wish(1, end=2.5)]))["segments"]
    assert ("hotwords" in one, "hotwords" in two) == (False, True)


def test_segments_that_start_together_keep_their_order() -> None:
    result = _result("一", "二", "三")
    lines = lines_wished(result, [Wish(2, start=1.0), Wish(1), Wish(0, start=1.0, end=2.0)])
    assert [line.id for line in lines] == [0, 1, 2]


def test_times_that_the_recogniser_gave_are_right_even_beyond_the_end() -> None:
    result = _result("一", "二", duration=0.2)
    assert lines_wished(result, [Wish(1, text="三")]) == (Line(1, 1.0, 2.0, "三"),)
    with pytest.raises(InvalidRequest, match=r"the recording \(0.200 s\)"):
        lines_wished(result, [Wish(1, end=2.1)])


def test_where_nothing_was_heard_there_is_nothing_to_correct() -> None:
    with pytest.raises(InvalidRequest, match="nothing was heard"):
        lines_wished(_result(), [Wish(0)])


_WISHES = st.lists(
    st.builds(
        Wish,
        st.integers(-1, 4),
        st.none() | st.floats(-1, 12, allow_nan=False),
        st.none() | st.floats(-1, 12, allow_nan=False),
        st.none() | st.text(max_size=8),
    ),
    max_size=5,
)


@given(_WISHES)
def test_every_correction_is_refused_with_a_reason_or_holds_what_was_asked(wishes: list[Wish]) -> None:
    result = _result("一", "二", "三")
    try:
        lines = lines_wished(result, wishes)
    except InvalidRequest:
        return
    made = corrected(result, lines)
    assert len(made["segments"]) == len(wishes) == len({line.id for line in lines})
    assert [line.start for line in lines] == sorted(line.start for line in lines)
    asked = {wish.id: wish for wish in wishes}
    for line in lines:
        wish, heard = asked[line.id], lines_heard(result)[line.id]
        assert line.text == (heard.text if wish.text is None else wish.text)
        assert 0 <= line.start <= line.end <= 10.5
    assert result == _result("一", "二", "三")
