"""Hotwords take the place of what sounds like them, and of nothing else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo import Segment, Transcript
from tingshuo.errors import InvalidRequest
from tingshuo.hotwords import Hotwords, hotwords_of
from tingshuo.sounds import alike, consonants
from tingshuo.types import Replacement, Word


def right(text: str, *hotwords: str) -> str:
    return Hotwords(hotwords).segment(Segment(0, 1, text)).text


@pytest.mark.parametrize(
    ("heard", "hotword", "wanted"),
    [
        ("请找章威经理", "张薇", "请找张薇经理"),  # the same syllables, other tones
        ("我们用同意千问", "通义千问", "我们用通义千问"),  # a part of it is a word
        ("我要去虫庆出差", "重庆", "我要去重庆出差"),  # a character with two readings
        ("欢迎来到听硕平台", "听说平台", "欢迎来到听说平台"),
        ("他在兰山区法院", "岚山区", "他在岚山区法院"),
        ("主任叫林知凌", "林志玲", "主任叫林志玲"),  # z/zh, n/ng: one syllable of three
        ("这是会意记录", "会议", "这是会议记录"),  # a word of the same sound, tones included
        ("用 g p t 四号机吧", "GPT四号机", "用 g p t 四号机吧"),  # letters apart are no word
        ("用gpt四号鸡吧", "GPT四号机", "用GPT四号机吧"),
    ],
)
def test_chinese_hotwords_are_found_by_their_sound(heard: str, hotword: str, wanted: str) -> None:
    assert right(heard, hotword) == wanted


@pytest.mark.parametrize(
    ("text", "hotword"),
    [
        ("他在办公室里等", "公式"),  # inside 办公室
        ("那里一直在下雨", "李毅"),  # across 那里 and 一直
        ("他是我的老师", "塔石"),  # two of the commonest words
        ("公司的实力很强", "事例"),  # a word of its own, other tones
        ("一个人来了", "伊"),  # one character is no hotword
        ("灵芝很贵", "林芝"),  # a word, and not the same sound
        ("章，威来了", "张薇"),  # a mark between them
        ("今天天气真好", "听说平台"),
    ],
)
def test_what_makes_sense_is_left_alone(text: str, hotword: str) -> None:
    assert right(text, hotword) == text


@pytest.mark.parametrize(
    ("heard", "hotword", "wanted"),
    [
        ("we run cooper netties here", "Kubernetes", "we run Kubernetes here"),
        ("ask ting show about it", "Tingshuo", "ask Tingshuo about it"),
        ("open ai and chat gpt", "OpenAI", "OpenAI and chat gpt"),
        ("the postgress server", "Postgres", "the Postgres server"),
        ("I use iphone daily", "iPhone", "I use iPhone daily"),
        ("用kubernetis部署", "Kubernetes", "用Kubernetes部署"),
    ],
)
def test_latin_hotwords_are_found_by_consonants_and_letters(heard: str, hotword: str, wanted: str) -> None:
    assert right(heard, hotword) == wanted


@pytest.mark.parametrize(
    ("text", "hotword"),
    [
        ("it is clear", "IT"),
        ("that is clear to me", "Clare"),
        ("go in to the house", "into"),
        ("This Word stays", "word"),
        ("I like C++ and c", "C++"),
        ("shopping", "Chopin"),
    ],
)
def test_latin_words_are_not_bent(text: str, hotword: str) -> None:
    assert right(text, hotword) == text


def test_the_first_of_two_that_sound_alike_wins_but_one_written_right_stays() -> None:
    assert right("请找章薇和章伟", "章伟", "张薇") == "请找章伟和章伟"
    assert right("请找张薇", "章伟", "张薇") == "请找张薇"


def test_the_longer_hotword_wins() -> None:
    assert right("我们用同意千问吧", "同义", "通义千问") == "我们用通义千问吧"


def test_what_was_replaced_is_told_with_the_segment() -> None:
    segment = Hotwords(["张薇", "岚山区"]).segment(Segment(0, 1, "张薇在兰山区，章威也在"))
    assert segment.replacements == (Replacement("兰山区", "岚山区"), Replacement("章威", "张薇"))


def test_words_keep_their_times() -> None:
    words = tuple(Word(letter, float(at), at + 1.0, 0.5) for at, letter in enumerate(["找", "章", "威，", "好"]))
    found = Hotwords(["张薇"]).segment(Segment(0, 4, "找章威，好", words=words))
    assert found.text == "找张薇，好"
    assert [word.text for word in found.words] == ["找", "张", "薇，", "好"]
    assert [(word.start, word.end) for word in found.words] == [(word.start, word.end) for word in words]


def test_words_that_become_one_have_the_time_of_all() -> None:
    words = (Word("use", 0, 1), Word("cooper", 1, 2, 0.9), Word("netties.", 2, 3, 0.4))
    found = Hotwords(["Kubernetes"]).segment(Segment(0, 3, "use cooper netties.", words=words))
    assert found.words == (Word("use", 0, 1), Word("Kubernetes.", 1, 3, 0.4))


def test_a_transcript_has_its_text_put_right_where_its_segments_are() -> None:
    segments = (Segment(0, 1, "找章威"), Segment(1, 2, "章威在"), Segment(2, 3, ""))
    made = Hotwords(["张薇"]).transcript(Transcript("找章威 章威在", "zh", 3.0, segments))
    assert (made.text, [segment.text for segment in made.segments]) == ("找张薇 张薇在", ["找张薇", "张薇在", ""])


def test_a_prompt_is_divided_and_sentences_are_left_out() -> None:
    prompt = "张薇、通义千问，Kubernetes;  Open AI \n这是一次关于季度预算和明年计划的会议|and then we talked about it."
    assert hotwords_of(prompt) == ("张薇", "通义千问", "Kubernetes", "Open AI")
    assert hotwords_of("张薇", ["李娜", " 张薇 ", ""]) == ("李娜", "张薇")
    assert hotwords_of("") == ()


def test_too_many_or_too_long_keywords_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="longer than 64") as error:
        hotwords_of("", ["长" * 65])
    assert error.value.param == "keywords"
    with pytest.raises(InvalidRequest, match="501 hotwords; at most 500"):
        hotwords_of("", [f"词{at}" for at in range(501)])


@pytest.mark.parametrize(("one", "other"), [("zhang", "zan"), ("ning", "lin"), ("sheng", "sen"), ("chong", "con")])
def test_syllables_that_are_often_confused_are_alike(one: str, other: str) -> None:
    assert alike(one) == alike(other)


@pytest.mark.parametrize(("one", "other"), [("kubernetes", "coopernetties"), ("tingshuo", "tingshow")])
def test_words_with_the_same_consonants_sound_alike(one: str, other: str) -> None:
    assert consonants(one) == consonants(other)


NAMES = [
    first + second
    for first in "张章李黎王汪赵照陈晨"
    for second in "伟薇娜丽敏静强磊军洋艳勇杰娟涛明超秀霞平刚桂英华玉兰"
]


def test_an_hour_of_speech_and_hundreds_of_hotwords_take_seconds_at_most() -> None:
    sentence = "今天下午章威和李那一起去北京开会讨论明年的预算，然后他们在办公室里见了客户。"
    segments = tuple(Segment(float(at), at + 1.0, sentence) for at in range(400))  # 15,000 characters
    transcript = Transcript("".join([sentence] * 400), "zh", 3600.0, segments)
    hotwords = Hotwords(NAMES)
    hotwords.segment(segments[0])  # reads the dictionary
    begin = time.process_time()
    made = hotwords.transcript(transcript)
    assert time.process_time() - begin < 10
    assert made.text.count("张伟") == 400
    assert made.text == "".join(segment.text for segment in made.segments)


@given(
    st.text("章威张薇李那，。 abcKubernetes用", max_size=40), st.lists(st.sampled_from(["张薇", "李娜", "Kubernetes"]))
)
def test_it_is_idempotent_and_deterministic(text: str, hotwords: list[str]) -> None:
    once = right(text, *hotwords)
    assert right(once, *hotwords) == once
    assert right(text, *hotwords) == once


@given(st.text(max_size=30), st.lists(st.text(max_size=8), max_size=4))
def test_no_text_and_no_hotword_breaks_it(text: str, hotwords: list[str]) -> None:
    words = tuple(Word(letter, float(at), at + 1.0) for at, letter in enumerate(text.split()))
    made = Hotwords(hotwords).segment(Segment(0, 1, text, words=words))
    assert len(made.words) <= len(words)
    times = [time for word in made.words for time in (word.start, word.end)]
    assert times == sorted(times)
