"""`tingshuo transcribe`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import Result

Invoke: TypeAlias = Callable[..., Result]
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]
Wav: TypeAlias = Callable[..., Path]
Jobs: TypeAlias = Callable[[], list[Any]]


def test_one_recording_gives_its_text(invoke: Invoke, wav: Wav, tmp_path: Path, jobs: Jobs) -> None:
    result = invoke("transcribe", wav(tmp_path / "a.wav"))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "0.50 秒\n", "")
    assert jobs() == [("transcription", "succeeded", "cli", "a.wav", "echo")]


def test_json_of_one_recording_is_one_object(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    result = invoke("transcribe", wav(tmp_path / "a.wav"), "--format", "json")
    document = json.loads(result.stdout)
    assert document["file"] == "a.wav"
    assert document["text"] == "0.50 秒"
    assert document["language"] == "zh"
    assert document["segments"][0]["emotion"] == {
        "label": "happy",
        "score": 0.9,
        "scores": {"happy": 0.9, "neutral": 0.1},
    }
    assert "raw" not in document["segments"][0]


def test_json_of_a_folder_is_an_array_and_jsonl_has_a_line_each(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    wav(tmp_path / "in" / "b.wav")
    wav(tmp_path / "in" / "a" / "x.wav", 1.0)
    documents = json.loads(invoke("transcribe", tmp_path / "in", "--format", "json").stdout)
    assert [document["file"] for document in documents] == ["a/x.wav", "b.wav"]
    lines = invoke("transcribe", tmp_path / "in", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == documents


def test_text_of_a_folder_names_the_file_on_every_line(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    wav(tmp_path / "in" / "a.wav")
    wav(tmp_path / "in" / "b.wav", 1.0)
    assert invoke("transcribe", tmp_path / "in").stdout == "a.wav\t0.50 秒\nb.wav\t1.00 秒\n"


TIMED = [
    ("srt", "1\n00:00:00,000"),
    ("vtt", "WEBVTT"),
    ("ass", "[Script Info]"),
    ("lrc", "[00:00.00]0.50 秒"),
    ("csv", "\ufeffchannel"),
]


@pytest.mark.parametrize(("name", "start"), TIMED)
def test_subtitles_and_tables_go_to_stdout_too(invoke: Invoke, wav: Wav, tmp_path: Path, name: str, start: str) -> None:
    assert invoke("transcribe", wav(tmp_path / "a.wav"), "--format", name).stdout.startswith(start)


def test_raw_and_rich_text(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    assert invoke("transcribe", path, "--raw").stdout == "<|zh|>0.50 秒\n"
    assert invoke("transcribe", path, "--rich", "zh").stdout == "[中文] [高兴] 0.50 秒\n"
    assert invoke("transcribe", path, "--rich", "en").stdout == "[Chinese] [happy] 0.50 秒\n"
    assert invoke("transcribe", path, "--emoji").stdout == "0.50 秒😊\n"
    raw = json.loads(invoke("transcribe", path, "--raw", "-f", "json").stdout)
    assert raw["segments"][0]["raw"] == "<|zh|>0.50 秒"


def test_split_channels_are_told_apart(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    result = invoke("transcribe", wav(tmp_path / "call.wav", channels=2), "--channel", "split", "-f", "json")
    assert [segment["channel"] for segment in json.loads(result.stdout)["segments"]] == ["left", "right"]


def test_stdin_is_a_recording(run: Run, wav: Wav, tmp_path: Path) -> None:
    done = run("transcribe", "-", "--format", "json", stdin=wav(tmp_path / "a.wav").read_bytes())
    assert json.loads(done.stdout)["file"] == "stdin"
    assert done.stderr == b""


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-file.wav"],
        ["{empty}"],
        ["{wav}", "--format", "docx"],
        ["{wav}", "--channel", "middle"],
        ["{wav}", "--language", "tlh"],
        ["{wav}", "--engine", "nobody"],
        ["{wav}", "--rich", "zh", "--format", "json"],
        ["{wav}", "--raw", "--format", "srt"],
        ["{folder}", "--format", "srt"],
        ["-", "--out", "{empty}"],
        [],
    ],
)
def test_wrong_use_is_one_line_on_stderr_and_exit_code_2(
    invoke: Invoke, wav: Wav, tmp_path: Path, arguments: list[str]
) -> None:
    places = {"wav": wav(tmp_path / "in" / "a.wav"), "folder": tmp_path / "in", "empty": tmp_path / "empty"}
    places["empty"].mkdir()
    result = invoke("transcribe", *(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_bad_recording_does_not_stop_the_others(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    wav(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "b.wav").write_bytes(b"no sound at all")
    wav(tmp_path / "in" / "c.wav")
    result = invoke("transcribe", tmp_path / "in", "-f", "json")
    assert result.exit_code == 1
    assert [document["file"] for document in json.loads(result.stdout)] == ["a.wav", "c.wav"]
    assert result.stderr.startswith("error: b.wav: ")
    assert result.stderr.count("\n") == 1


def test_hidden_files_and_other_endings_are_left_out_and_links_in_circles_end(
    invoke: Invoke, wav: Wav, tmp_path: Path
) -> None:
    wav(tmp_path / "in" / "a" / "x.WAV")
    wav(tmp_path / "in" / ".hidden.wav")
    wav(tmp_path / "in" / ".cache" / "y.wav")
    (tmp_path / "in" / "notes.txt").write_text("no recording")
    (tmp_path / "in" / "a" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    assert invoke("transcribe", tmp_path / "in").stdout == "a/x.WAV\t0.50 秒\n"


def test_a_closed_pipe_ends_it_without_a_traceback(environment: dict[str, str], wav: Wav, tmp_path: Path) -> None:
    for number in range(50):
        wav(tmp_path / "in" / f"{number}.wav", 0.1)
    command = f"{sys.executable} -m tingshuo transcribe {tmp_path / 'in'} -f json | head -n 1"
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=300, check=False)
    assert done.stdout == b"[\n"
    assert done.stderr == b""


def test_a_progress_bar_on_the_terminal_leaves_stdout_alone(
    environment: dict[str, str], wav: Wav, tmp_path: Path
) -> None:
    for number in range(3):
        wav(tmp_path / "in" / f"{number}.wav", 0.1)
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "tingshuo", "transcribe", str(tmp_path / "in"), "-f", "jsonl"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=end, timeout=300, check=True)
    os.close(end)
    shown = os.read(terminal, 100_000)
    os.close(terminal)
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == ["0.wav", "1.wav", "2.wav"]
    assert b"3/3" in shown


def test_hotwords_and_the_layout_of_subtitles_come_from_options(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("五十五秒\n零五零秒\n", "utf-8")
    recording = wav(tmp_path / "a.wav")
    result = invoke(
        *("transcribe", recording, "--format", "srt", "--prefix", "emotion", "--max-line-length", "8"),
        *("--hotwords", f"@{tmp_path / 'names.txt'}"),
    )
    assert result.stdout == "1\n00:00:00,000 --> 00:00:00,500\n[happy] 0.50\n秒\n\n"
    result = invoke("transcribe", recording, "--hotwords", f"@{tmp_path / 'none.txt'}")
    assert (result.exit_code, "cannot read" in result.stderr) == (2, True)
