"""The history: which texts and which audio are kept, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tingshuo import db
from tingshuo.errors import EngineFailed, NotFound
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer

SPEAKER, LISTENER = ToneSynthesizer(), ToneRecognizer()
SECRET_TEXT = "her account number is 4711"


@pytest.fixture
def history(any_database: Settings) -> History:
    """An empty history on each kind of database."""
    return _history(any_database)


def _history(settings: Settings, **changes: object) -> History:
    db.upgrade(settings)
    return History(settings.model_copy(update=changes))


def _say(history: History, text: str = "hello", caller: str = "key_a", **finish: Any) -> str:
    with history.record("speech", SPEAKER, {"voice": "high", "speed": 1.0}, caller=caller, input_text=text) as job:
        job.finish({"duration": 0.5}, audio_seconds=0.5, characters=len(text), **finish)
    return job.id


def _blobs(history: History) -> list[Path]:
    return [path for path in (history.settings.data_dir / "blobs").rglob("*") if path.is_file()]


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
    history = _history(settings, keep_audio=keep)
    with history.record(kind, SPEAKER, {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    done = history.get(job.id)
    assert done.audio_size == (5 if stored else None)
    assert len(_blobs(history)) == stored
    if stored:
        assert history.audio_path(done).read_bytes() == b"sound"
    else:
        with pytest.raises(NotFound, match="TINGSHUO_KEEP_AUDIO"):
            history.audio_path(done)


def test_audio_can_come_from_a_file(settings: Settings, tmp_path: Path) -> None:
    history = _history(settings, keep_audio="all")
    (tmp_path / "call.wav").write_bytes(b"sound")
    first = _say(history, audio=tmp_path / "call.wav", audio_format="wav")
    with (tmp_path / "call.wav").open("rb") as opened:
        opened.read()
        second = _say(history, audio=opened, audio_format="wav")
    for job_id in (first, second):
        assert history.audio_path(history.get(job_id)).read_bytes() == b"sound"


@pytest.mark.parametrize("ending", ["../../../x", "a/b", "", "wav\n", "ä", "x" * 11, "WAV"])
def test_an_ending_that_is_none_does_not_become_part_of_a_path(settings: Settings, ending: str) -> None:
    history = _history(settings, keep_audio="all")
    job_id = _say(history, audio=b"sound", audio_format=ending)
    assert history.audio_path(history.get(job_id)).name == "audio"


def test_texts_are_kept_as_the_settings_say(settings: Settings) -> None:
    history = _history(settings, keep_text=False)
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
    assert not [path for path in settings.data_dir.rglob("*") if path.is_file() and b"4711" in path.read_bytes()]


def test_an_engine_that_quotes_the_text_in_its_error_does_not_get_it_kept(settings: Settings) -> None:
    history = _history(settings, keep_text=False)
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
    job_id = _say(history, audio=b"sound", audio_format="wav")
    assert len(_blobs(history)) == 1
    history.delete(job_id)
    assert _blobs(history) == []
    with pytest.raises(NotFound):
        history.get(job_id)


def test_a_job_deleted_while_it_runs_leaves_nothing(settings: Settings) -> None:
    history = _history(settings, keep_audio="all")
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        history.delete(job.id)
        job.finish({}, audio=b"sound", audio_format="wav")
    assert _blobs(history) == []
    assert history.list() == []


def test_audio_kept_for_a_link_goes_when_the_link_has_expired(history: History) -> None:
    later, past = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, -1))
    open_link = _say(history, audio=b"sound", audio_format="wav", link_expires=later)
    expired = _say(history, audio=b"sound", audio_format="wav", link_expires=past)
    assert history.expire_audio() == 1
    assert history.audio_path(history.get(open_link)).read_bytes() == b"sound"
    assert history.get(expired).audio_size is None
    assert len(_blobs(history)) == 1
    assert history.expire_audio() == 0


def test_audio_kept_by_the_settings_outlives_its_link(settings: Settings) -> None:
    history = _history(settings, keep_audio="output")
    job_id = _say(history, audio=b"sound", audio_format="wav", link_expires=datetime.now(UTC) - timedelta(hours=1))
    assert history.expire_audio() == 0
    assert history.audio_path(history.get(job_id)).is_file()
