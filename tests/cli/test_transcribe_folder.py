"""`tingshuo transcribe --out`: many recordings, and what a second run does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from typer.testing import Result

Invoke: TypeAlias = Callable[..., Result]
Run: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]
Wav: TypeAlias = Callable[..., Path]
Jobs: TypeAlias = Callable[[], list[Any]]


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


def test_two_hundred_recordings_of_which_three_are_broken_are_done_once(
    invoke: Invoke, wav: Wav, tmp_path: Path, jobs: Jobs
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for number in range(197):
        wav(source / f"day{number % 3}" / f"{number:03}.wav", 0.1)
    for name in ("day0/bad.mp3", "day1/bad.wav", "empty.flac"):
        (source / name).write_bytes(b"" if "empty" in name else b"\x00" * 999)
    first = invoke("transcribe", source, "--out", out, "--format", "json")
    assert first.exit_code == 1
    assert first.stdout == ""
    assert len(list(out.rglob("*.wav.json"))) == 197
    errors = [json.loads(line) for line in (out / "errors.jsonl").read_text().splitlines()]
    assert [error["file"] for error in errors] == ["day0/bad.mp3", "day1/bad.wav", "empty.flac"]
    assert {error["code"] for error in errors} == {"invalid_audio"}
    before, rows = snapshot(tmp_path / "out"), len(jobs())
    second = invoke("transcribe", source, "--out", out, "--format", "json")
    assert second.exit_code == 1, "three recordings still have no result"
    assert snapshot(tmp_path / "out") == before
    assert len(jobs()) == rows == 200
    third = invoke("transcribe", source, "--out", out, "--format", "json", "--retry-failed")
    assert third.exit_code == 1
    assert len(jobs()) == 203


def test_what_changed_is_done_again_and_a_repaired_recording_leaves_the_errors(
    invoke: Invoke, wav: Wav, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    wav(source / "a.wav")
    (source / "b.wav").write_bytes(b"broken")
    assert invoke("transcribe", source, "-o", out).exit_code == 1
    wav(source / "a.wav", 1.0)
    wav(source / "b.wav", 2.0)
    assert invoke("transcribe", source, "-o", out).exit_code == 0
    assert (out / "a.wav.txt").read_text() == "1.00 秒\n"
    assert (out / "b.wav.txt").read_text() == "2.00 秒\n"
    assert not (out / "errors.jsonl").exists()


def test_other_options_or_force_do_a_recording_again(invoke: Invoke, wav: Wav, tmp_path: Path, jobs: Jobs) -> None:
    wav(tmp_path / "in" / "a.wav")
    arguments = ("transcribe", tmp_path / "in", "-o", tmp_path / "out")
    counts = []
    for more in ((), (), ("--no-itn",), ("--no-itn",), ("--no-itn", "--force"), ("-f", "srt"), ("-f", "srt")):
        invoke(*arguments, *more)
        counts.append(len(jobs()))
    assert counts == [1, 1, 2, 2, 3, 4, 4]


def test_recordings_of_one_name_keep_apart(invoke: Invoke, wav: Wav, tmp_path: Path) -> None:
    for name in ("a/x.wav", "b/x.mp3", "a/x.mp3"):
        wav(tmp_path / "in" / name)
    invoke("transcribe", tmp_path / "in", "-o", tmp_path / "out")
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.txt")) == [
        "a/x.mp3.txt",
        "a/x.wav.txt",
        "b/x.mp3.txt",
    ]
    invoke("transcribe", tmp_path / "in" / "a", tmp_path / "in" / "b", "-o", tmp_path / "both")
    assert len(list((tmp_path / "both").rglob("*.txt"))) == 3


def test_a_torn_journal_costs_one_recording(invoke: Invoke, wav: Wav, tmp_path: Path, jobs: Jobs) -> None:
    wav(tmp_path / "in" / "a.wav")
    wav(tmp_path / "in" / "b.wav")
    arguments = ("transcribe", tmp_path / "in", "-o", tmp_path / "out")
    invoke(*arguments)
    journal = tmp_path / "out" / ".tingshuo.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    for expected in (3, 3):
        assert invoke(*arguments).exit_code == 0
        assert len(jobs()) == expected


def test_names_that_are_not_utf8_work_and_control_characters_stay_out_of_the_terminal(
    run: Run, wav: Wav, tmp_path: Path
) -> None:
    os.rename(wav(tmp_path / "in" / "good.wav"), os.fsencode(tmp_path / "in") + b"/caf\xe9.wav")
    (tmp_path / "in" / "\x1b[31mred\n.wav").write_bytes(b"broken")
    done = run("transcribe", tmp_path / "in", "--format", "json")
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout + done.stderr
    assert done.stderr.count(b"\n") == 1
    assert [os.fsencode(document["file"]) for document in json.loads(done.stdout)] == [b"caf\xe9.wav"]
    done = run("transcribe", tmp_path / "in", "--out", tmp_path / "out")
    assert os.path.exists(os.fsencode(tmp_path / "out") + b"/caf\xe9.wav.txt")
    assert b"\x1b" not in done.stderr


def _heed_ctrl_c() -> None:
    # A shell starts background jobs with SIGINT ignored, and the tests may run in one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_what_is_done_and_the_next_run_goes_on(
    environment: dict[str, str], wav: Wav, tmp_path: Path, jobs: Jobs
) -> None:
    for number in range(12):
        wav(tmp_path / "in" / f"{number:02}.wav", 0.1)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tingshuo", "transcribe", str(tmp_path / "in"), "--out", str(out), "--progress"]
    process = subprocess.Popen(
        command, env={**environment, "ECHO_SECONDS": "0.5"}, stderr=subprocess.PIPE, preexec_fn=_heed_ctrl_c
    )
    while len(list(out.glob("*.txt"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert not list(out.glob(".*.partial"))
    done = snapshot(out)
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    assert len(list(out.glob("*.txt"))) == 12
    kept = {name for name in done if name.endswith(".txt") and snapshot(out)[name] == done[name]}
    assert len(kept) >= 2
    states = [row[1] for row in jobs()]
    assert states.count("succeeded") == 12
    assert "running" not in states


def test_two_runs_into_one_folder_at_once_are_refused(
    environment: dict[str, str], run: Run, wav: Wav, tmp_path: Path
) -> None:
    wav(tmp_path / "in" / "a.wav")
    command = [sys.executable, "-m", "tingshuo", "transcribe", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, env={**environment, "ECHO_SECONDS": "60"}, stderr=subprocess.DEVNULL) as first:
        while not (tmp_path / "out" / ".tingshuo.jsonl").exists():
            time.sleep(0.02)
        second = run("transcribe", tmp_path / "in", "--out", tmp_path / "out")
        first.kill()
    assert second.returncode == 2
    assert b"another tingshuo is writing" in second.stderr
