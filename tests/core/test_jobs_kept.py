"""The history: which texts and which audio are kept, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from histories import LISTENER, SECRET_TEXT, SPEAKER, blobs, new_history, say

from tingshuo import db
from tingshuo.db import Job
from tingshuo.errors import EngineFailed, NotFound
from tingshuo.jobs import History
from tingshuo.queues import clean_up
from tingshuo.settings import Settings


def _audio(history: History, job: Job) -> bytes:
    with history.audio(job) as path:
        return path.read_bytes()


@pytest.mark.parametrize(
    ("keep", "kind", "stored"),
    [
        ("none", "speech", False),
        ("none", "transcription", False),
        ("output", "speech", True),
        ("output", "transcription", False),
        ("all", "speech", True),
        ("all", "transcription", True),
    ],
)
def test_audio_is_kept_as_the_settings_say(settings: Settings, keep: str, kind: Any, stored: bool) -> None:
    history = new_history(settings, keep_audio=keep)
    with history.record(kind, SPEAKER, {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    done = history.get(job.id)
    assert done.audio_size == (5 if stored else None)
    assert len(blobs(history)) == stored
    if stored:
        assert _audio(history, done) == b"sound"
    else:
        with pytest.raises(NotFound, match="TINGSHUO_KEEP_AUDIO"):
            _audio(history, done)


def test_audio_can_come_from_a_file(settings: Settings, tmp_path: Path) -> None:
    history = new_history(settings, keep_audio="all")
    (tmp_path / "call.wav").write_bytes(b"sound")
    first = say(history, audio=tmp_path / "call.wav", audio_format="wav")
    with (tmp_path / "call.wav").open("rb") as opened:
        opened.read()
        second = say(history, audio=opened, audio_format="wav")
    for job_id in (first, second):
        assert _audio(history, history.get(job_id)) == b"sound"


@pytest.mark.parametrize("ending", ["../../../x", "a/b", "", "wav\n", "ä", "x" * 11, "WAV"])
def test_an_ending_that_is_none_does_not_become_part_of_a_path(settings: Settings, ending: str) -> None:
    history = new_history(settings, keep_audio="all")
    job_id = say(history, audio=b"sound", audio_format=ending)
    assert history.get(job_id).audio_name == "audio"


def test_texts_are_kept_as_the_settings_say(settings: Settings) -> None:
    history = new_history(settings, keep_text=False)
    with history.record(
        "transcription", LISTENER, {"language": "auto", "prompt": SECRET_TEXT}, caller="cli", input_text=SECRET_TEXT
    ) as job:
        job.finish(
            {
                "text": SECRET_TEXT,
                "language": "en",
                "segments": [
                    {
                        "text": SECRET_TEXT,
                        "words": [{"word": SECRET_TEXT, "start": 0.0}],
                        "emotion": {"label": "angry", "scores": {"angry": 0.9}},
                        "anything": [SECRET_TEXT],
                    }
                ],
            }
        )
    done = history.get(job.id)
    assert done.input_text is None
    assert done.result is not None
    assert done.result["language"] == "en"
    assert done.result["segments"][0]["emotion"] == {"label": "angry", "scores": {"angry": 0.9}}
    assert done.parameters == {"language": "auto", "prompt": None}
    db.dispose(settings)
    assert not [path for path in settings.data_dir.rglob("*") if path.is_file() and b"account" in path.read_bytes()]


def test_an_engine_that_quotes_the_text_in_its_error_does_not_get_it_kept(settings: Settings) -> None:
    history = new_history(settings, keep_text=False)
    with pytest.raises(EngineFailed), history.record("speech", SPEAKER, {}, caller="cli") as job:
        raise EngineFailed(f"cannot say {SECRET_TEXT!r}")
    assert history.get(job.id).error_message == "the engine failed; the server's log tells how"


def test_what_no_database_takes_is_replaced(history: History) -> None:
    text = "nul \0 and half \ud83d a pair"
    with history.record(
        "speech", SPEAKER, {"x": text}, caller="cli", input_text=text, input_name="../a\0\r\nSet-Cookie: x.wav"
    ) as job:
        job.finish({"text": text, "score": float("nan"), "more": [float("inf")]})
    done = history.get(job.id)
    assert done.input_text == "nul \ufffd and half ? a pair"
    assert done.result == {"text": done.input_text, "score": None, "more": [None]}
    assert done.input_name == "a___Set-Cookie: x.wav"


def test_deleting_a_job_removes_its_row_and_its_audio(history: History) -> None:
    history = History(history.settings.model_copy(update={"keep_audio": "all"}))
    job_id = say(history, audio=b"sound", audio_format="wav")
    assert len(blobs(history)) == 1
    history.delete(job_id)
    assert blobs(history) == []
    with pytest.raises(NotFound):
        history.get(job_id)


def test_a_job_deleted_while_it_runs_leaves_nothing(settings: Settings) -> None:
    history = new_history(settings, keep_audio="all")
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        history.delete(job.id)
        job.finish({}, audio=b"sound", audio_format="wav")
    assert blobs(history) == []
    assert history.list() == []


def test_audio_kept_for_a_link_goes_when_the_link_has_expired(history: History) -> None:
    later, past = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, -1))
    open_link = say(history, audio=b"sound", audio_format="wav", link_expires=later)
    expired = say(history, audio=b"sound", audio_format="wav", link_expires=past)
    assert clean_up.expire_audio(history.settings) == 1
    assert _audio(history, history.get(open_link)) == b"sound"
    assert history.get(expired).audio_size is None
    assert len(blobs(history)) == 1
    assert clean_up.expire_audio(history.settings) == 0


def test_audio_kept_by_the_settings_outlives_its_link(settings: Settings) -> None:
    history = new_history(settings, keep_audio="output")
    job_id = say(history, audio=b"sound", audio_format="wav", link_expires=datetime.now(UTC) - timedelta(hours=1))
    assert clean_up.expire_audio(history.settings) == 0
    assert _audio(history, history.get(job_id)) == b"sound"
