"""Words, their times, and texts as they are written."""

from __future__ import annotations

import pytest

from tingshuo import Word
from tingshuo_sensevoice.model import Token
from tingshuo_sensevoice.words import Clock, join_texts, words_of

CLOCK = Clock(start=10.0, end=20.0, frame=0.06, first_centre=0.0125)
TAG = "<|BGM|>"


def words(*pieces: str) -> list[Word]:
    """Words of pieces that were each heard in one frame, ten frames apart."""
    tokens = [Token(index, 10 * index, 10 * index + 1, 0.5 + index / 100) for index in range(len(pieces))]
    silent = {index for index, piece in enumerate(pieces) if piece == TAG}
    return words_of(tokens, pieces.__getitem__, silent, CLOCK)


def texts(*pieces: str) -> list[str]:
    return [word.text for word in words(*pieces)]


def test_a_frame_stands_for_the_sixty_milliseconds_around_the_middle_of_its_window() -> None:
    # LFR frame 10 is centred on the fbank window that covers 600 to 625 ms.
    (word,) = words_of([Token(0, 10, 11, 0.9)], ["好"].__getitem__, (), CLOCK)
    assert word.start == pytest.approx(10.6125 - 0.03, abs=1e-3)
    assert word.end == pytest.approx(10.6125 + 0.03, abs=1e-3)


def test_times_stay_within_the_clip() -> None:
    (word,) = words_of([Token(0, 0, 400, 0.9)], ["好"].__getitem__, (), CLOCK)
    assert (word.start, word.end) == (10.0, 20.0)


def test_a_chinese_character_is_a_word() -> None:
    assert texts("你", "好", "吗") == ["你", "好", "吗"]


def test_a_piece_of_several_characters_is_divided_evenly() -> None:
    first, second = words("你好")
    assert (first.text, second.text) == ("你", "好")
    assert first.end == second.start == pytest.approx((first.start + second.end) / 2, abs=1e-3)


def test_latin_pieces_are_joined_up_to_the_next_space() -> None:
    joined = words("▁hel", "lo", "▁wor", "ld")
    assert [word.text for word in joined] == ["hello", "world"]
    assert joined[0].end == words("▁", "lo")[0].end
    assert [word.score for word in joined] == [0.5, 0.52]


def test_a_piece_may_hold_several_words_or_a_space_alone() -> None:
    assert texts("▁of▁the", "▁", "day", "s▁") == ["of", "the", "days"]
    assert texts("a▁", "b") == ["a", "b"]


def test_korean_is_written_in_words_and_japanese_in_characters() -> None:
    assert texts("▁안녕", "하세요") == ["안녕하세요"]
    assert texts("こん", "にちは") == list("こんにちは")


def test_marks_join_the_word_before_them_and_leave_its_times() -> None:
    joined = words("你", "好", "。", "▁OK", ".")
    assert [word.text for word in joined] == ["你", "好。", "OK."]
    assert joined[1].end == words("你", "好")[1].end


def test_an_apostrophe_stays_inside_its_word() -> None:
    assert texts("▁don", "'", "t") == ["don't"]


def test_scripts_that_meet_are_apart() -> None:
    assert texts("我", "用", "Py", "thon", "写") == ["我", "用", "Python", "写"]


def test_a_tag_ends_a_word_and_is_none() -> None:
    assert texts("▁good", TAG, "bye") == ["good", "bye"]


def test_texts_are_joined_with_spaces_where_one_writes_them() -> None:
    assert join_texts(["Hello.", "World."]) == "Hello. World."
    assert join_texts(["你好。", "", "世界"]) == "你好。世界"
    assert join_texts(["你好", "OK", "안녕", "세상"]) == "你好 OK 안녕 세상"
    assert join_texts([]) == ""
