"""`tingshuo models check` and `tingshuo models trace`, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "tingshuo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_check_tells_what_was_found_and_what_is_unverified() -> None:
    done = run("models", "check", GOLDEN / "nsf16k-12", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["voices"][0]["variant"] == "non-causal vocoder NSF mean_std"
    assert report["voices"][0]["has_mask"] is True
    assert report["unverified"]
    assert "golden: speaks" in run("models", "check", GOLDEN / "nsf16k-12").stdout


def test_check_of_a_broken_voice_ends_with_1_and_of_no_model_with_2(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    root = make_model()
    (root / "voices/small/am/ckpt/checkpoint_100.pth").write_bytes(b"")
    broken = run("models", "check", root)
    assert broken.returncode == 1
    assert "checkpoint_100.pth" in broken.stdout
    nothing = run("models", "check", tmp_path / "nothing")
    assert nothing.returncode == 2
    assert nothing.stderr.count("\n") == 1


def test_trace_writes_every_intermediate_with_the_draws_injected(tmp_path: Path) -> None:
    reference = GOLDEN / "nsf16k-12" / "mixed.npz"
    wanted = dict(np.load(reference))
    (tmp_path / "line.txt").write_text(f"0\t{wanted['symbols']}\n", "utf-8")
    out = tmp_path / "out.npz"
    arguments: list[str | Path] = [
        "--voice",
        "golden",
        "--symbols",
        tmp_path / "line.txt",
        "-o",
        out,
        "--inject",
        reference,
    ]
    done = run("models", "trace", GOLDEN / "nsf16k-12", *arguments)
    assert done.returncode == 0, done.stderr
    found = dict(np.load(out))
    assert set(wanted) <= set(found)
    assert np.abs(found["wav"] - wanted["wav"]).max() <= 1e-4


def test_trace_refuses_draws_of_another_line_in_one_line(tmp_path: Path) -> None:
    wanted = dict(np.load(GOLDEN / "nsf16k-12" / "mixed.npz"))
    (tmp_path / "line.txt").write_text(str(wanted["symbols"]), "utf-8")
    arguments: list[str | Path] = ["--symbols", tmp_path / "line.txt", "-o", tmp_path / "out.npz"]
    done = run("models", "trace", GOLDEN / "nsf16k-12", *arguments, "--inject", GOLDEN / "nsf16k-12" / "zh.npz")
    assert done.returncode == 2
    assert "nsf_noise to inject has shape" in done.stderr
    assert not (tmp_path / "out.npz").exists()


def test_neither_the_help_nor_the_engine_list_imports_torch() -> None:
    for command in (["--help"], ["models", "--help"], ["engines"]):
        code = (
            "import sys\nfrom tingshuo.cli import app\n"
            f"try:\n    app({command!r})\nexcept SystemExit:\n    pass\n"
            "print('torch' in sys.modules, file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stderr.strip().endswith("False"), command
