"""The shipped models do what their cards say: round trips over sentences they were not trained on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from serving import clean_environment, tingshuo

HERE = Path(__file__).parent
EMOTIONS = "neutral,happy,sad,angry,fearful,surprised"


def _round_trip(
    tmp_path: Path, suite: str, voice: str, language: str, emotions: str, engine: str = "espeak"
) -> dict[str, Any]:
    command = tingshuo("roundtrip", "--suite", str(HERE / suite), "--synthesizer", engine, "--voice", voice)
    command += ["--recognizer", "sensevoice", "--emotions", emotions, "--language", language]
    command += ["--out", str(tmp_path / "report"), "--json"]
    done = subprocess.run(
        command, env=clean_environment(tmp_path / "data"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_mandarin_is_understood_and_its_emotion_heard(tmp_path: Path) -> None:
    result = _round_trip(tmp_path, "sentences_zh.txt", "cmn", "zh", EMOTIONS)
    assert result["n"] == 360
    assert result["cer"] <= 0.20
    assert result["syllable_error_rate"] <= 0.06
    assert result["emotion_accuracy"] >= 0.90


def test_the_starter_voice_is_understood_and_its_emotion_heard(tmp_path: Path) -> None:
    result = _round_trip(tmp_path, "sentences_zh.txt", "starter", "zh", EMOTIONS, "sambert_hifigan")
    assert result["n"] == 360
    assert result["cer"] <= 0.28
    assert result["syllable_error_rate"] <= 0.12
    assert result["emotion_accuracy"] >= 0.85


def test_english_is_understood(tmp_path: Path) -> None:
    result = _round_trip(tmp_path, "sentences_en.txt", "en", "en", "neutral")
    assert result["n"] == 20
    assert result["wer"] <= 0.25
