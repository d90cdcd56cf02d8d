from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tingshuo.errors import InvalidRequest
from tingshuo_sambert_hifigan.frontend import FrontEnd, phones

FRONT_END = FrontEnd()
TOKEN = re.compile(r"\{([^$}]+)\$(tone\w+)\$(s_\w+)\$(word_\w+)\$emotion_neutral\$F7\}|\{#[1-4]\$tone_none.*\}")
TRICKY = st.text(
    alphabet=st.sampled_from(
        "一不儿得地了着还长0123456789.,:/-~%￥$+=<>&;#@' \n，。！？、ABCabcXYZkmg℃第年月日点两零百万亿女小子上里"
    ),
    max_size=60,
)


def assert_in_table(text: str) -> None:
    try:
        lines = FRONT_END.to_symbols(text)
    except InvalidRequest:
        return
    for line in lines:
        for token in line.split(" "):
            match = TOKEN.fullmatch(token)
            assert match, token
            if match[1] and not match[1].startswith("#"):
                assert match[1] in phones.SYMBOLS
                assert match[2] in phones.TONES
                assert match[3] in phones.SYLLABLE_FLAGS
                assert match[4] in phones.WORD_SEGMENTS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_any_unicode_text_gives_symbols_of_the_table_or_a_clear_refusal(text: str) -> None:
    assert_in_table(text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TRICKY)
def test_any_mixture_of_what_the_rules_look_at_gives_symbols_of_the_table(text: str) -> None:
    assert_in_table(text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=60))
def test_any_chinese_characters_give_symbols_of_the_table(text: str) -> None:
    assert_in_table(text)


@pytest.mark.parametrize(
    "unit",
    [
        "好",
        "1",
        "1,",
        "1.",
        "1-",
        "-",
        "<",
        "a",
        "A1",
        "一",
        "不",
        "儿",
        "1:",
        "'",
        " ",
        "。",
        "(",
        "电话",
        "1/",
        "很",
        "着",
        "你好，",
        "😀",
        "a.",
        "a@",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit)) + "好"
        start = time.process_time()
        assert_in_table(text)
        return time.process_time() - start

    seconds(500)
    short = max(seconds(500), 0.02)
    assert seconds(4_000) < 8 * short * 4


def test_a_shuffled_page_is_read_in_linear_time() -> None:
    generator = random.Random(7)
    page = list("今天（2026年3月5日）10:30，股价上涨3.5%，报￥1,234.50；联系电话010-62552560，邮箱a.b@c.com。" * 15)
    generator.shuffle(page)
    start = time.process_time()
    assert_in_table("".join(page))
    assert time.process_time() - start < 20
