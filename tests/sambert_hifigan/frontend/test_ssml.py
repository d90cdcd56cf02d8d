from __future__ import annotations

import time

import pytest

from tingshuo.errors import InvalidRequest, LimitExceeded, UnsupportedEmotion
from tingshuo_sambert_hifigan.frontend import FrontEnd, Span, stages, to_symbols


def spans(text: str) -> list[Span]:
    return FrontEnd().spans(text)


def pinyin(text: str) -> str:
    return str(stages(f"<speak>{text}</speak>")["pinyin"])


def test_each_span_has_its_own_emotion_and_intensity() -> None:
    first, second, third = spans(
        '<speak>你好。<emotion category="happy" intensity="1.5">太好了！</emotion>'
        '<emotion category="fearful">啊</emotion></speak>'
    )
    assert (first.style.emotion, second.style.emotion, third.style.emotion) == (None, "happy", "fear")
    assert (first.style.intensity, second.style.intensity, third.style.intensity) == (None, 1.5, 1.0)


def test_symbols_carry_the_emotion_of_their_span() -> None:
    lines = to_symbols('<speak>你好。<emotion category="sad">再见。</emotion></speak>', emotion="happy")
    assert ["emotion_happy" in line for line in lines] == [True, False]
    assert ["emotion_sad" in line for line in lines] == [False, True]


def test_breaks_are_silences_behind_a_span_and_add_up_to_ten_seconds() -> None:
    first = '一<break time="500ms"/>'
    second = '二<break/><break time="1.5s"/>'
    third = '三<break time="9s"/><break time="9s"/>'
    found = spans(f"<speak>{first}{second}{third}</speak>")
    assert [(span.text, span.pause) for span in found][:2] == [("一", 0.5), ("二", 2.5)]
    assert sum(span.pause for span in found) == 13.0


def test_a_break_before_any_text_is_a_silence_alone() -> None:
    silence, spoken = spans('<speak><break strength="strong"/>好</speak>')
    assert (silence.pieces, silence.pause) == ((), 1.0)
    assert spoken.text.strip() == "好"


def test_prosody_multiplies_and_voice_replaces() -> None:
    (span,) = spans(
        '<speak rate="500" volume="100"><prosody rate="50%" pitch="+2st" volume="-6dB">'
        '<voice name="zhibei_emo">好</voice></prosody></speak>'
    )
    style = span.style
    assert (style.voice, style.rate, style.pitch) == ("zhibei_emo", 1.0, 2.0)
    assert style.volume == pytest.approx(2 * 10 ** (-6 / 20))


def test_the_scale_of_speak_goes_from_half_to_double() -> None:
    assert [spans(f'<speak rate="{rate}">好</speak>')[0].style.rate for rate in (-500, 0, 500)] == [0.5, 1.0, 2.0]


def test_phoneme_gives_one_syllable_per_character() -> None:
    assert pinyin('去<phoneme alphabet="py" ph="dian3 dang4 hang2">典当行</phoneme>') == "qu4 dian3 dang4 hang2"


def test_w_keeps_a_word_together() -> None:
    assert "江大桥" in str(stages("<speak>南京市长<w>江大桥</w></speak>")["segmented"]).split()


def test_sub_is_read_in_place_of_its_text() -> None:
    assert pinyin('<sub alias="语音合成">TTS</sub>') == "yu3 yin1 he2 cheng2"


def test_s_ends_a_sentence() -> None:
    assert len(to_symbols("<speak><s>你好</s><s>再见</s></speak>")) == 2


def test_say_as_name_reads_a_surname() -> None:
    assert pinyin('<say-as interpret-as="name">曾小凡</say-as>') == "zeng1 xiao3 fan2"


def test_blocks_and_plain_text_may_be_mixed() -> None:
    found = spans("你好，a < b。<speak><emotion category='happy'>好</emotion></speak>再见")
    assert [span.text.strip() for span in found] == ["你好，a < b。", "好", "再见"]


@pytest.mark.parametrize("text", ["a<b", "3<5", "<3 你", "1 < 2 > 0", "<<>>好", "<b>好</b>", "好 &amp; 坏"])
def test_angle_brackets_in_plain_text_are_text(text: str) -> None:
    assert to_symbols(text)


def test_a_bare_angle_bracket_and_ampersand_inside_speak_are_text() -> None:
    assert pinyin("3 < 5 & 7 &lt; 9").startswith("san1 xiao3 yu2 wu3")


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        ("<audio src='x'/>", "audio"),
        ("<mark name='x'/>", "mark"),
        ("<soundEvent src='http://x/y.wav'/>", "soundEvent"),
        ("<vhml src='x'/>", "vhml"),
        ("<break length='2'/>", "length"),
        ("<break time='soon'/>", "soon"),
        ("<break time='11s'/>", "11s"),
        ("<prosody rate='9'>好</prosody>", "rate"),
        ("<prosody pitch='200Hz'>好</prosody>", "200Hz"),
        ("<emotion>好</emotion>", "category"),
        ("<emotion category='sad' intensity='3'>好</emotion>", "intensity"),
        ("<phoneme alphabet='ipa' ph='x'>好</phoneme>", "ipa"),
        ("<phoneme ph='hao9'>好</phoneme>", "hao9"),
        ("<phoneme ph='hao3 ma5'>好</phoneme>", "2 syllables"),
        ("<say-as interpret-as='poem'>好</say-as>", "poem"),
        ("<sub>好</sub>", "alias"),
        ("<w><s>好</s></w>", "<s>"),
        ("<s>好", "</s>"),
        ("好</s>", "</s>"),
        ("<s>好</w></s>", "</w>"),
        ("<speak>好</speak>", "speak"),
        ("&nbsp;好", "nbsp"),
        ("&#xD800;好", "D800"),
        ("<prosody rate='1' rate='2'>好</prosody>", "twice"),
        ("<prosody rate=1>好</prosody>", "well-formed"),
    ],
)
def test_what_cannot_be_obeyed_is_an_error_that_names_it(inner: str, named: str) -> None:
    with pytest.raises(InvalidRequest, match=named.replace("<", r"\<")):
        to_symbols(f"<speak>好{inner}</speak>")


def test_an_emotion_that_no_table_has_is_refused() -> None:
    with pytest.raises(UnsupportedEmotion, match="bored"):
        to_symbols('<speak><emotion category="bored">好</emotion></speak>')


@pytest.mark.parametrize("attribute", ["bgm='http://x'", "effect='robot'", "sampleRate='8000'"])
def test_attributes_of_speak_that_only_the_cloud_has_are_refused(attribute: str) -> None:
    with pytest.raises(InvalidRequest, match=attribute.split("=")[0]):
        to_symbols(f"<speak {attribute}>好</speak>")


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))


@pytest.mark.parametrize(
    "bomb",
    [
        f'<?xml version="1.0"?><!DOCTYPE speak [<!ENTITY l0 "ha">{LAUGHS}]><speak>&l9;</speak>',
        '<!DOCTYPE speak SYSTEM "file:///etc/passwd"><speak>好</speak>',
        '<speak><!ENTITY x SYSTEM "file:///etc/passwd">&x;</speak>',
        "<speak><![CDATA[好]]></speak>",
        "<speak><?php x ?>好</speak>",
        "<speak>" + "<s>" * 5_000 + "好" + "</s>" * 5_000 + "</speak>",
        "<speak>" + "<s/>" * 20_000 + "</speak>",
        "<speak>" + "<" * 90_000 + "</speak>",
        "<speak>" + "<a " * 30_000,
        "<speak " + "a='1' " * 15_000 + ">好</speak>",
        "<speak a='" + "x" * 90_000 + "'>好</speak>",
        "<speak>" + "&#x41" * 15_000 + "&bad;",
        "<speak>" + "<!--" * 20_000,
        "<speak>" + "好" * 200_000 + "</speak>",
        "<speak" + " " * 90_000,
    ],
    ids=lambda bomb: bomb[:24],
)
def test_a_bomb_is_refused_in_a_tenth_of_a_second(front_end: FrontEnd, bomb: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidRequest) as refused:
        front_end.spans(bomb)
    assert time.process_time() - start < 0.1
    assert isinstance(refused.value, LimitExceeded) or refused.value.message
