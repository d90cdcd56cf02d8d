"""Readings set while the server runs: kept, checked, and used from the next text on."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tingshuo.cli import app
from tingshuo.errors import ConfigurationError, InvalidRequest, LimitExceeded, NotFound
from tingshuo.settings import Settings, load_settings
from tingshuo_sambert_hifigan import user_lexicon
from tingshuo_sambert_hifigan.config import Config
from tingshuo_sambert_hifigan.frontend import phones
from tingshuo_sambert_hifigan.frontend.lexicon import parse_reading
from tingshuo_sambert_hifigan.reading import Reader
from tingshuo_sambert_hifigan.user_lexicon import UserLexicon, kind_of


@pytest.fixture
def lexicon(tmp_path: Path) -> UserLexicon:
    return UserLexicon(tmp_path / "data" / "lexicon.tsv")


def test_entries_are_kept_in_a_file_that_people_can_read(lexicon: UserLexicon) -> None:
    assert (lexicon.entries(), lexicon.stamp()) == ({}, None)
    assert lexicon.put(" 单晓 ", "shan4  xiao3") == ("单晓", "shan4 xiao3")
    lexicon.put("SQLite", "EH1 S K Y UW1 EH1 L AY2 T")
    assert UserLexicon(lexicon.path).entries() == {"SQLite": "EH1 S K Y UW1 EH1 L AY2 T", "单晓": "shan4 xiao3"}
    assert "单晓\tshan4 xiao3\n" in lexicon.path.read_text("utf-8")
    assert sorted(path.name for path in lexicon.path.parent.iterdir()) == [".lexicon.tsv.lock", "lexicon.tsv"]
    assert [kind_of(reading) for reading in lexicon.entries().values()] == ["arpabet", "pinyin"]


def test_a_word_has_one_reading_whatever_its_case(lexicon: UserLexicon) -> None:
    lexicon.put("SQLite", "HH AH0")
    lexicon.put("sqlite", "L OW1")
    assert lexicon.entries() == {"sqlite": "L OW1"}
    lexicon.remove("SQLITE")
    assert lexicon.entries() == {}
    with pytest.raises(NotFound, match="no word 'SQLite'"):
        lexicon.remove("SQLite")


@pytest.mark.parametrize(
    ("word", "reading", "param"),
    [
        ("单晓", "shan9 xiao3", "reading"),
        ("单晓", "shan4 xiaoo3", "reading"),
        ("单晓", "u4", "reading"),  # no phone of the table: pinyin spells it wu4
        ("单晓", "iong1", "reading"),
        ("单晓", "", "reading"),
        ("单晓", "HH L", "reading"),  # no vowel
        ("单晓", "XX1", "reading"),
        ("", "hao3", "word"),
        ("  ", "hao3", "word"),
        ("！", "hao3", "word"),
        ("长" * 33, "hao3", "word"),
        ("#1", "hao3", "word"),
        ("a\tb", "hao3", "word"),
        ("a\u2028b", "hao3", "word"),
    ],
)
def test_what_is_no_entry_is_refused_and_changes_nothing(
    lexicon: UserLexicon, word: str, reading: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        lexicon.put(word, reading)
    assert refused.value.param == param
    assert lexicon.entries() == {}


def test_every_syllable_that_is_taken_has_phones_in_the_table() -> None:
    finals = {phone.removesuffix("_c") for phone in phones.PHONES if phone.endswith("_c")}
    initials = ("", *"bpmfdtnlgkhjqxrzcsyw", "zh", "ch", "sh")
    taken = 0
    for base in {initial + final for initial in initials for final in finals}:
        try:
            parse_reading(f"{base}1")
        except InvalidRequest:
            continue
        taken += 1
        assert set(phones.syllable_phones(f"{base}1")[0]) <= set(phones.PHONES), base
    assert taken > 400


def test_the_lexicon_has_an_end(lexicon: UserLexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_lexicon, "MOST", 2)
    lexicon.put("a", "hao3")
    lexicon.put("b", "hao3")
    lexicon.put("a", "hao4")
    with pytest.raises(LimitExceeded):
        lexicon.put("c", "hao3")


def test_many_who_write_at_once_lose_nothing(lexicon: UserLexicon) -> None:
    def write(number: int) -> None:
        for index in range(10):
            UserLexicon(lexicon.path).put(f"w{number}x{index}", "hao3")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(lexicon.entries()) == 40


def test_a_change_acts_on_the_next_text(settings: Settings, tmp_path: Path) -> None:
    operators = tmp_path / "operators.tsv"
    operators.write_text("行\txing2\n单晓\tdan1 xiao3\n", "utf-8")
    reader = Reader(settings, Config(lexicon=str(operators)))
    lexicon = UserLexicon(settings.data_dir / "lexicon.tsv")

    def pinyin() -> str | list[str]:
        return reader.front_end().stages("单晓")["pinyin"]

    assert pinyin() == "dan1 xiao3"
    same = reader.front_end()
    assert reader.front_end() is same
    lexicon.put("单晓", "shan4 xiao3")  # that of a caller wins
    assert pinyin() == "shan4 xiao3"
    lexicon.remove("单晓")
    assert pinyin() == "dan1 xiao3"


def test_a_file_that_somebody_spoilt_is_told_with_its_line(lexicon: UserLexicon) -> None:
    lexicon.put("单晓", "shan4 xiao3")
    with lexicon.path.open("a", encoding="utf-8") as file:
        file.write("坏\tnonsense\n")
    with pytest.raises(ConfigurationError, match=r"lexicon.tsv, line 3"):
        lexicon.entries()


def test_the_command_line_sets_lists_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_DATA_DIR", str(tmp_path / "data"))
    run = CliRunner().invoke
    assert run(app, ["lexicon", "set", "单晓", "shan4 xiao3"]).stdout == "单晓\tshan4 xiao3\n"
    assert run(app, ["lexicon", "list"]).stdout == "单晓\tshan4 xiao3\n"
    assert '"单晓": "shan4 xiao3"' in run(app, ["lexicon", "list", "--json"]).stdout
    wrong = run(app, ["lexicon", "set", "单晓", "shan9"])
    assert wrong.exit_code == 2
    assert "'shan9' is not a pinyin syllable" in wrong.stderr
    assert run(app, ["lexicon", "remove", "单晓"]).exit_code == 0
    assert run(app, ["lexicon", "remove", "单晓"]).exit_code == 2
    assert run(app, ["lexicon", "list"]).stdout == ""


def test_the_setting_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TINGSHUO_SAMBERT_HIFIGAN_USER_LEXICON", str(tmp_path / "shared.tsv"))
    assert CliRunner().invoke(app, ["lexicon", "set", "SQL", "S IY1 K W AH0 L"]).exit_code == 0
    assert UserLexicon(tmp_path / "shared.tsv").entries() == {"SQL": "S IY1 K W AH0 L"}
    assert not os.path.exists(load_settings().data_dir / "lexicon.tsv")
