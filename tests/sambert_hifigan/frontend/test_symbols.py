from __future__ import annotations

import re

import pytest

from tingshuo.errors import InvalidRequest, LimitExceeded, UnsupportedLanguage
from tingshuo_sambert_hifigan import tables
from tingshuo_sambert_hifigan.frontend import FrontEnd, phones, stages, to_symbols

#: The one line of the official front end that is public: 北京今天天气怎么样.
OFFICIAL = (
    "b_c$tone3$s_begin$word_begin ei_c$tone3$s_end$word_middle j_c$tone1$s_begin$word_middle "
    "ing_c$tone1$s_end$word_end #1 "
    "j_c$tone1$s_begin$word_begin in_c$tone1$s_end$word_middle t_c$tone1$s_begin$word_middle "
    "ian_c$tone1$s_end$word_end #1 t_c$tone1$s_begin$word_begin ian_c$tone1$s_end$word_middle "
    "q_c$tone4$s_begin$word_middle i_c$tone4$s_end$word_end #1 z_c$tone3$s_begin$word_begin "
    "en_c$tone3$s_end$word_middle m_c$tone5$s_begin$word_middle e_c$tone5$s_end$word_middle "
    "y_c$tone4$s_begin$word_middle ang_c$tone4$s_end$word_end #4"
)
TOKEN = re.compile(r"\{([^$}]+)\$(tone\w+)\$(s_\w+)\$(word_\w+)\$emotion_(\w+)\$(\w+)\}")


def official(emotion: str) -> str:
    def token(written: str) -> str:
        if written.startswith("#"):
            return f"{{{written}$tone_none$s_none$word_none$emotion_none$F7}}"
        return f"{{{written}$emotion_{emotion}$F7}}"

    return " ".join(map(token, OFFICIAL.split()))


def breaks(line: str) -> list[str]:
    return re.findall(r"#\d", line)


def test_the_public_line_of_the_official_front_end_comes_out_the_same() -> None:
    assert to_symbols("北京今天天气怎么样", emotion="happy") == [official("happy")]


def test_the_phones_are_those_of_the_engine_in_its_order() -> None:
    assert tables.PHONES["PinYin"] == phones.PHONES


def test_breaks_can_carry_the_emotion_and_tokens_another_speaker() -> None:
    (line,) = to_symbols("好", emotion="sad", speaker="M7", break_emotion="sad")
    assert line.endswith("{#4$tone_none$s_none$word_none$emotion_sad$M7}")


def test_every_sentence_is_a_line_that_ends_with_its_break() -> None:
    lines = to_symbols("你好。今天天气怎么样？好极了！")
    assert len(lines) == 3
    assert all(breaks(line)[-1] == "#4" and breaks(line).count("#4") == 1 for line in lines)


def test_a_comma_is_an_intonation_phrase_and_an_enumeration_comma_a_prosodic_phrase() -> None:
    assert breaks(to_symbols("苹果，香蕉")[0]) == ["#3", "#4"]
    assert breaks(to_symbols("苹果、香蕉")[0]) == ["#2", "#4"]


def test_a_long_clause_has_a_phrase_break_inside() -> None:
    (line,) = to_symbols("我们明天下午在北京大学图书馆门口见面")
    assert "#2" in breaks(line)


def test_particles_lean_on_the_word_before_them(front_end: FrontEnd) -> None:
    (span,) = front_end.spans("我的书在桌子上")
    (sentence,) = front_end.sentences(span)
    assert [word.text for word in sentence[0].words] == ["我", "的"]
    assert [word.text for word in sentence[-1].words][-2:] == ["桌子", "上"]


def test_english_syllables_carry_their_stress_as_tone() -> None:
    (line,) = to_symbols("hello")
    assert [match[:4] for match in TOKEN.findall(line)] == [
        ("hh", "tone0", "s_begin", "word_begin"),
        ("ah", "tone0", "s_end", "word_middle"),
        ("l", "tone1", "s_begin", "word_middle"),
        ("ow", "tone1", "s_end", "word_end"),
        ("#4", "tone_none", "s_none", "word_none"),
    ]


def test_a_vowel_onset_and_an_erhua_final_have_phones_of_their_own() -> None:
    assert "{ga$tone1$s_begin" in to_symbols("安")[0]
    assert "{uar_c$tone1$s_end" in to_symbols("花儿")[0]


def test_a_syllable_without_an_erhua_phone_is_followed_by_a_neutral_er() -> None:
    assert stages("案儿")["pinyin"] == "an4 er5"


def test_a_very_long_sentence_is_cut_into_lines_the_model_can_take() -> None:
    lines = to_symbols("春天来了花儿开了草儿绿了鸟儿叫了" * 200)
    assert max(len(line.split()) for line in lines) <= 320
    assert len(lines) > 10


def test_a_runaway_latin_word_is_cut_too() -> None:
    assert all(len(line.split()) < 320 for line in to_symbols("abc" * 5000))


def test_stages_show_how_a_text_becomes_symbols() -> None:
    shown = stages("展览馆10:30开门。")
    assert shown["normalized"] == "展览馆十点三十分开门。"
    assert str(shown["segmented"]).startswith("展览馆 十点")
    assert str(shown["pinyin"]).startswith("zhan2 lan2 guan3 shi2 dian3")
    assert shown["symbols"] == to_symbols("展览馆10:30开门。")


@pytest.mark.parametrize("text", ["", "   ", "。。。", "😀🎉", "\u200b", "★☆"])
def test_a_text_without_anything_to_speak_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="nothing to speak"):
        to_symbols(text)


@pytest.mark.parametrize("text", ["こんにちは", "안녕하세요", "Привет", "مرحبا", "你好カ"])
def test_a_script_that_the_voices_cannot_speak_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedLanguage, match=r"U\+"):
        to_symbols(text)


def test_a_text_past_the_limit_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        to_symbols("好" * 100_001)
