"""The smaller commands, and what all of them have in common."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import Result

Invoke: TypeAlias = Callable[..., Result]
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]
Jobs: TypeAlias = Callable[[], list[Any]]


def test_the_version_and_the_help_come_without_heavy_imports(environment: dict[str, str]) -> None:
    for arguments in (["--version"], ["--help"], ["keys", "--help"]):
        program = (
            "import sys\nfrom tingshuo.cli import app\n"
            f"try: app({arguments!r}, prog_name='tingshuo')\n"
            "except SystemExit as end: assert end.code == 0\n"
            "heavy = {'torch', 'av', 'sqlalchemy', 'fastapi', 'modelscope_hub'} & set(sys.modules)\n"
            "assert not heavy, heavy"
        )
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert b"tingshuo" in done.stdout


def test_keys_import_no_engine(environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom tingshuo.cli import app\n"
        "try: app(['keys', 'list'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'av', 'fake_engines'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["models"], ["keys", "create"], ["say"], ["--bogus"], ["keys", "revoke", "x"]]
)
def test_wrong_use_is_one_line_and_exit_code_2(invoke: Invoke, arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_no_command_at_all_prints_the_help(invoke: Invoke) -> None:
    result = invoke()
    assert result.exit_code == 0
    assert "transcribe" in result.stdout


def test_a_wrong_setting_names_its_variable(run: Run) -> None:
    done = run("engines", TINGSHUO_ENGINE_QUEUE="0")
    assert done.returncode == 2
    assert b"TINGSHUO_ENGINE_QUEUE" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_data_folder_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("keys", "list", TINGSHUO_DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


# ---- keys


def test_a_key_is_made_listed_and_revoked(invoke: Invoke) -> None:
    made = invoke("keys", "create", "--name", "ci", "--scopes", "transcribe,speak", "--expires", "30")
    assert made.exit_code == 0
    assert made.stdout.startswith("ts-")
    assert made.stdout.count("\n") == 1
    assert "shown this once" in made.stderr
    [row] = json.loads(invoke("keys", "list", "--json").stdout)
    assert (row["name"], row["scopes"], row["revoked_at"]) == ("ci", ["speak", "transcribe"], None)
    assert made.stdout.strip() not in invoke("keys", "list").stdout
    assert invoke("keys", "revoke", "ci").exit_code == 0
    assert "revoked" in invoke("keys", "list").stdout


def test_a_quiet_key_is_the_key_alone(invoke: Invoke) -> None:
    made = invoke("keys", "create", "--name", "quiet", "--quiet")
    assert (made.stdout[:3], made.stdout.count("\n"), made.stderr) == ("ts-", 1, "")


# ---- engines, voices, db


def test_engines_and_voices_are_listed(invoke: Invoke) -> None:
    rows = {row["name"]: row for row in json.loads(invoke("engines", "--json").stdout)}
    assert rows["echo"] == {
        "name": "echo",
        "kind": "recognizer",
        "version": "1",
        "state": "not_loaded",
        "reason": None,
        "model": "echo",
        "model_origin": "embedded",
        "device": "cpu",
        "licence": "Apache-2.0",
        "source": "tests",
    }
    assert "synthesizer" in invoke("engines").stdout
    voices = json.loads(invoke("voices", "--json").stdout)
    assert [(voice["engine"], voice["voice"], voice["emotions"]) for voice in voices] == [
        ("tone", "flute", ["neutral", "happy"]),
        ("tone", "horn", ["neutral", "happy"]),
    ]
    assert "flute" in invoke("voices").stdout


def test_a_plugin_that_cannot_be_used_says_why(run: Run) -> None:
    done = run("engines", "--json", TINGSHUO_PLUGINS="fakes,gone")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["gone"]["state"] == "unavailable"
    assert "not installed" in rows["gone"]["reason"]


def test_the_database_can_be_upgraded_twice(invoke: Invoke, jobs: Jobs) -> None:
    assert invoke("db", "upgrade").exit_code == 0
    assert invoke("db", "upgrade").exit_code == 0
    assert jobs() == []


# ---- say


@pytest.mark.parametrize(("name", "magic"), [("a.wav", b"RIFF"), ("a.flac", b"fLaC"), ("a.opus", b"OggS")])
def test_the_ending_of_the_file_is_the_format(
    invoke: Invoke, jobs: Jobs, tmp_path: Path, name: str, magic: bytes
) -> None:
    result = invoke("say", "你好", "-o", tmp_path / name, "--emotion", "happy", "--voice", "horn")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "horn, happy" in result.stderr
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert jobs() == [("speech", "succeeded", "cli", None, "tone")]


def test_text_comes_from_stdin_and_audio_goes_to_stdout(run: Run) -> None:
    done = run("say", "-", "-o", "-", stdin="你好".encode())
    assert done.returncode == 0
    assert done.stdout.startswith(b"RIFF")


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["你好", "-o", "{out}.xyz"], b""),
        (["你好", "-o", "{out}.wav", "--format", "xyz"], b""),
        (["你好", "-o", "{out}.wav", "--emotion", "sad"], b""),
        (["你好", "-o", "{out}.wav", "--emotion", "jolly"], b""),
        (["你好", "-o", "{out}.wav", "--voice", "tuba"], b""),
        (["你好", "-o", "{out}.wav", "--speed", "9"], b""),
        (["  ", "-o", "{out}.wav"], b""),
        (["-", "-o", "{out}.wav"], b"\xff\xfe"),
        (["-", "-o", "{out}.wav"], "很长".encode() * 500_000),
        (["你好", "-o", "{out}/no/such/folder/a.wav"], b""),
    ],
)
def test_what_cannot_be_said_is_one_line(invoke: Invoke, tmp_path: Path, arguments: list[str], stdin: bytes) -> None:
    result = invoke("say", *(argument.format(out=tmp_path / "out") for argument in arguments), stdin=stdin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*out*"))


# ---- roundtrip


def test_a_round_trip_gives_one_json_object_and_a_job(invoke: Invoke, jobs: Jobs, tmp_path: Path) -> None:
    suite = tmp_path / "suite.txt"
    suite.write_text("\ufeff# remark\n\n今天天气真好。\n谢谢你。\n", encoding="utf-8")
    arguments = ("--suite", suite, "--synthesizer", "tone", "--recognizer", "echo", "--voice", "flute,horn")
    result = invoke("roundtrip", *arguments, "--emotions", "happy", "--json", "--out", tmp_path / "out")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["n"] == 4
    assert summary["emotion_accuracy"] == 1.0
    assert {"cer", "syllable_error_rate", "wer", "confusion"} <= set(summary)
    assert jobs() == [("roundtrip", "succeeded", "cli", None, "tone")]
    assert list((tmp_path / "out").iterdir())


def test_a_gate_that_is_not_met_is_exit_code_1_with_its_reason(invoke: Invoke) -> None:
    result = invoke("roundtrip", "--emotions", "neutral", "--json", "--fail-cer", "0.1", "--fail-emotion", "0.9")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["n"] == 16
    assert "CER" in result.stderr
    assert "emotion accuracy" in result.stderr


def test_the_built_in_sentences_and_a_table_do_without_options(invoke: Invoke) -> None:
    result = invoke("roundtrip", "--language", "en", "--voice", "flute")
    assert result.exit_code == 0
    assert "flute" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--suite", "no-such-file.txt"],
        ["--suite", "{empty}"],
        ["--suite", "{binary}"],
        ["--language", "tlh"],
        ["--emotions", "sad"],
        ["--voice", "tuba"],
        ["--recognizer", "nobody"],
    ],
)
def test_a_round_trip_that_cannot_be_is_one_line_and_no_job(
    invoke: Invoke, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "empty").write_text("# nothing\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    places = {"empty": tmp_path / "empty", "binary": tmp_path / "binary"}
    result = invoke("roundtrip", *(argument.format(**places) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "data" / "tingshuo.db").exists()
