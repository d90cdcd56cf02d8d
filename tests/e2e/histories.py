"""Histories of jobs, and jobs to put into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tingshuo import db
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer

SPEAKER, LISTENER = ToneSynthesizer(), ToneRecognizer()
SECRET_TEXT = "her account number is 4711"


def new_history(settings: Settings, **changes: object) -> History:
    """The history of these settings with `changes`, its tables made."""
    db.upgrade(settings)
    return History(settings.model_copy(update=changes))


def say(history: History, text: str = "hello", caller: str = "key_a", **finish: Any) -> str:
    """The id of a speech job that succeeded."""
    with history.record("speech", SPEAKER, {"voice": "high", "speed": 1.0}, caller=caller, input_text=text) as job:
        job.finish({"duration": 0.5}, audio_seconds=0.5, characters=len(text), **finish)
    return job.id


def blobs(history: History) -> list[Path]:
    """Every file that is kept."""
    return [path for path in (history.settings.data_dir / "blobs").rglob("*") if path.is_file()]
