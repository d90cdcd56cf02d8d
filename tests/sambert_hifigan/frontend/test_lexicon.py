from __future__ import annotations

from pathlib import Path

import pytest

from tingshuo.errors import ConfigurationError, InvalidRequest
from tingshuo_sambert_hifigan.frontend import FrontEnd, Lexicon


def test_a_word_is_read_as_the_lexicon_says() -> None:
    front_end = FrontEnd({"重庆南路": "chong2 qing4 nan2 lu4", "朝阳": "zhao1 yang2", "VX-23": "wei1 te4 si1"})
    assert front_end.stages("我在重庆南路等朝阳")["pinyin"] == "wo3 zai4 chong2 qing4 nan2 lu4 deng3 zhao1 yang2"
    assert front_end.stages("VX-23")["pinyin"] == "wei1 te4 si1"


def test_the_longest_word_wins() -> None:
    front_end = FrontEnd({"行": "xing2", "银行": "yin2 hang2"})
    assert front_end.stages("银行行")["pinyin"] == "yin2 hang2 xing2"


def test_an_english_word_takes_arpabet_and_matches_in_any_case_but_only_whole() -> None:
    front_end = FrontEnd({"sqlite": "EH1 S K Y UW1 L AY2 T"})
    assert front_end.stages("SQLite")["pinyin"] == "EH1 S K Y UW1 L AY2 T"
    assert front_end.stages("SQLites")["pinyin"] != "EH1 S K Y UW1 L AY2 T"


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("# ours\n\n单晓\tshan4 xiao3\nTingshuo\tT IH1 NG SH W AO2\n", "utf-8")
    assert list(Lexicon.from_file(path)) == ["单晓", "tingshuo"]


@pytest.mark.parametrize(
    ("line", "named"), [("单晓\tshan9", "shan9"), ("单晓", "empty"), ("\tshan4", "''"), ("x" * 40 + "\thao3", "32")]
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text(f"# ours\n{line}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=rf"line 2.*{named}"):
        Lexicon.from_file(path)


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Lexicon.from_file(tmp_path / "none.tsv")


@pytest.mark.parametrize("reading", ["", "hao", "hao6", "HH", "XX1", "hao3 HH AH0", "qqq1"])
def test_a_reading_that_is_none_is_refused(reading: str) -> None:
    with pytest.raises(InvalidRequest):
        Lexicon({"好": reading})
