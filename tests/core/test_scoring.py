"""Both sides made alike before they are compared, and errors counted over a corpus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tingshuo import Emotion
from tingshuo.numerals import en_cardinal, zh_cardinal
from tingshuo.scoring import (
    Edits,
    accuracy,
    cer,
    confusion,
    normalize,
    syllable_error_rate,
    syllables,
    total,
    wer,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好， 世界！", "你好世界"),
        ("ＡＢＣ１２３", "abc一百二十三"),
        ("「繁體」保留", "繁體保留"),
        ("2024年10月5日", "二零二四年十月五日"),
        ("二〇二四年", "二零二四年"),
        ("2024-05-01", "二零二四年五月一日"),
        ("2024/12/31", "二零二四年十二月三十一日"),
        ("10年前", "十年前"),
        ("8:30开会", "八点三十分开会"),
        ("8:05", "八点零五分"),
        ("20:00", "二十点"),
        ("100%", "百分之一百"),
        ("增长12.5％", "增长百分之十二点五"),
        ("3.14", "三点一四"),
        ("1/2", "二分之一"),
        ("-5℃", "负五摄氏度"),
        ("1,234,567元", "一百二十三万四千五百六十七元"),
        ("电话13800138000", "电话一三八零零一三八零零零"),
        ("007", "零零七"),
        ("两个人", "二个人"),
        ("幺二零", "一二零"),
        ("用iPhone 15拍", "用iphone十五拍"),
        ("......", ""),
        ("", ""),
    ],
)
def test_chinese_is_compared_without_punctuation_space_or_digits(text: str, expected: str) -> None:
    assert normalize(text, "zh") == expected
    assert normalize(text, "zh-CN") == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0", "零"),
        ("2", "二"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1000", "一千"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("10000", "一万"),
        ("10010", "一万零一十"),
        ("101000", "十万一千"),
        ("120000", "十二万"),
        ("1000200", "一百万零二百"),
        ("12345678", "一千二百三十四万五千六百七十八"),
    ],
)
def test_numbers_are_read_as_a_chinese_speaker_reads_them(number: str, expected: str) -> None:
    assert zh_cardinal(number) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's a Well-Known  fact.", "its a well known fact"),
        ("don’t", "dont"),
        ("In 1984 and 2024", "in nineteen eighty four and twenty twenty four"),
        ("2005", "two thousand five"),
        ("1,200 people", "one thousand two hundred people"),
        ("3.5%", "three point five percent"),
        ("the 21st, 3rd and 20th", "the twenty first third and twentieth"),
        ("-5 degrees", "minus five degrees"),
        ("1,000,000", "one million"),
        ("", ""),
    ],
)
def test_english_is_compared_in_words(text: str, expected: str) -> None:
    assert normalize(text, "en") == expected


def test_english_cardinals() -> None:
    assert en_cardinal(0) == "zero"
    assert en_cardinal(999_999_999) == (
        "nine hundred ninety nine million nine hundred ninety nine thousand nine hundred ninety nine"
    )


def test_other_languages_keep_their_digits_and_their_marks() -> None:
    assert normalize("안녕, 하세요 3!", "ko") == "안녕 하세요 3"
    assert normalize("ガ が、3 です。", "ja") == "ガが3です"
    assert normalize("हिन्दी।", "hi") == "हिन्दी"


def test_with_auto_the_text_tells_how_it_is_compared() -> None:
    assert normalize("共 3 个", "auto") == "共三个"
    assert normalize("3 of them", "auto") == "three of them"


@given(st.text(max_size=60), st.sampled_from(["zh", "en", "ja", "auto"]))
def test_any_text_can_be_normalised_and_is_its_own_perfect_transcript(text: str, language: str) -> None:
    once = normalize(text, language)
    assert once == " ".join(once.split())
    assert cer(text, text, language).errors == 0


def test_cer_counts_characters_and_does_not_care_who_wrote_the_digits() -> None:
    assert cer("今天是2024年", "今天是二零二四年。", "zh").rate == 0
    assert cer("你好世界", "你号世", "zh") == Edits(substitutions=1, deletions=1, insertions=0, length=4)
    assert cer("abc", "abd e", "en") == Edits(substitutions=1, insertions=1, length=3)


def test_the_reference_decides_how_both_sides_are_read() -> None:
    assert cer("三个", "3个", "auto").rate == 0
    assert cer("two", "2", "auto").rate == 0


def test_wer_counts_words_and_is_none_without_spaces() -> None:
    edits = wer("The cat sat", "the cat sat down", "en-US")
    assert edits == Edits(insertions=1, length=3)
    assert wer("你好", "你好", "zh") is None
    assert wer("こんにちは", "", "ja") is None


def test_syllables_are_toneless_and_homophones_are_one() -> None:
    assert syllables("诗和远方！") == ["shi", "he", "yuan", "fang"]
    assert syllables("用A4纸") == ["yong", "a", "si", "zhi"]
    assert syllable_error_rate("诗和远方", "师和远房") == Edits(length=4)
    assert syllable_error_rate("诗和远方", "诗和远", "zh-CN") == Edits(deletions=1, length=4)


def test_syllables_are_of_mandarin_alone() -> None:
    assert syllable_error_rate("唔該", "唔該", "yue") is None
    assert syllable_error_rate("well", "well", "en") is None


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"), [("", "", 0.0), ("", "好", 1.0), ("你好", "", 1.0), ("？", "！", 0.0)]
)
def test_empty_texts_have_a_rate_too(reference: str, hypothesis: str, rate: float) -> None:
    assert cer(reference, hypothesis, "zh").rate == rate


def test_a_corpus_is_total_edits_by_total_length() -> None:
    items = [cer("一", "二", "zh"), cer("一二三四五六七八九", "一二三四五六七八九", "zh")]
    assert [item.rate for item in items] == [1.0, 0.0]
    assert total(items).rate == pytest.approx(0.1)
    assert total([]).rate == 0


def test_a_rate_can_exceed_one() -> None:
    assert cer("好", "好好好好", "zh").rate == 3


def test_the_confusion_matrix_has_a_column_for_unknown() -> None:
    matrix = confusion([(Emotion.ANGRY, Emotion.ANGRY), (Emotion.ANGRY, None), (Emotion.SAD, Emotion.NEUTRAL)])
    assert list(matrix) == ["sad", "angry"]
    assert list(matrix["angry"]) == [*Emotion, "unknown"]
    assert (matrix["angry"]["angry"], matrix["angry"]["unknown"], matrix["sad"]["neutral"]) == (1, 1, 1)
    assert accuracy(matrix) == pytest.approx(1 / 3)


def test_an_utterance_that_failed_counts_as_wrong() -> None:
    matrix = confusion([(Emotion.HAPPY, "failed"), (Emotion.HAPPY, Emotion.HAPPY)])
    assert matrix["happy"]["failed"] == 1
    assert accuracy(matrix) == 0.5


def test_no_utterances_have_no_accuracy() -> None:
    assert confusion([]) == {}
    assert accuracy({}) is None


@pytest.mark.parametrize("digits", [13, 5_000])
def test_an_ordinal_that_nobody_says_is_read_digit_by_digit(digits: int) -> None:
    assert normalize("9" * digits + "th", "en").split()[:digits] == ["nine"] * digits
