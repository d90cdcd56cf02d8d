"""The history: what is kept, what is not, and what a crash leaves."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from tingshuo import db, liveness
from tingshuo.db import Job
from tingshuo.errors import EngineFailed, InvalidRequest, NotFound, StorageFailed, StorageFull
from tingshuo.jobs import History
from tingshuo.settings import Settings, load_settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Model

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


def test_a_job_runs_while_its_block_runs_and_has_succeeded_afterwards(history: History) -> None:
    with history.record("speech", SPEAKER, {"voice": "high"}, caller="cli", input_text="你好") as job:
        running = history.get(job.id)
        job.finish({"duration": 0.5}, audio_seconds=0.5, characters=2)
    done = history.get(job.id)
    assert (running.status, running.finished_at, running.pid) == ("running", None, os.getpid())
    assert (done.status, done.kind, done.engine, done.engine_version) == ("succeeded", "speech", "tones", "1")
    assert (done.model_name, done.model_origin, done.model_checksum) == ("sixteen tones", "embedded", None)
    assert (done.input_text, done.parameters, done.result) == ("你好", {"voice": "high"}, {"duration": 0.5})
    assert (done.audio_seconds, done.characters, done.error_code) == (0.5, 2, None)
    assert done.finished_at is not None
    assert done.processing_seconds is not None
    assert done.finished_at >= done.created_at


def test_a_job_whose_block_raises_has_failed_with_code_and_message(history: History) -> None:
    with pytest.raises(EngineFailed), history.record("transcription", LISTENER, {}, caller="cli") as job:
        raise EngineFailed("ears failed: too loud")
    failed = history.get(job.id)
    assert (failed.status, failed.error_code, failed.error_message) == (
        "failed",
        "engine_failed",
        "ears failed: too loud",
    )


def test_an_error_that_is_not_ours_is_named_but_not_quoted(history: History) -> None:
    with pytest.raises(RuntimeError), history.record("speech", SPEAKER, {}, caller="cli") as job:
        raise RuntimeError(SECRET_TEXT)
    failed = history.get(job.id)
    assert (failed.error_code, failed.error_message) == ("server_error", "the server failed (RuntimeError)")


def test_ctrl_c_ends_a_job_too(history: History) -> None:
    with pytest.raises(KeyboardInterrupt), history.record("speech", SPEAKER, {}, caller="cli") as job:
        raise KeyboardInterrupt
    assert history.get(job.id).error_code == "interrupted"


def test_the_weights_are_told_apart_by_their_checksum(settings: Settings, tmp_path: Path) -> None:
    class Weighty(ToneSynthesizer):
        def model(self) -> Model:
            return Model("heavy", "folder", tmp_path / "model")

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pt").write_bytes(b"weights")
    history = _history(settings)
    with history.record("speech", Weighty(), {}, caller="cli") as job:
        pass
    assert history.get(job.id).model_checksum == hashlib.sha256(b"weights").hexdigest()


def test_pages_follow_one_another_from_the_newest_on(history: History) -> None:
    ids = [_say(history, str(number)) for number in range(5)]
    first = history.list(limit=2)
    second = history.list(limit=2, after=first[-1].id)
    rest = history.list(limit=2, after=second[-1].id)
    assert [job.id for job in (*first, *second, *rest)] == ids[::-1]


def test_lists_are_narrowed_by_caller_kind_and_status(history: History) -> None:
    mine, other = _say(history, caller="key_a"), _say(history, caller="key_b")
    with pytest.raises(EngineFailed), history.record("transcription", LISTENER, {}, caller="key_a") as job:
        raise EngineFailed("no")
    assert [row.id for row in history.list(caller="key_a")] == [job.id, mine]
    assert [row.id for row in history.list(caller="key_b")] == [other]
    assert [row.id for row in history.list(kind="transcription")] == [job.id]
    assert [row.id for row in history.list(caller="key_a", status="succeeded")] == [mine]


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 201}, {"after": "x' OR 1=1"}, {"after": ""}])
def test_a_page_that_makes_no_sense_is_refused(history: History, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        history.list(**bad)
    assert caught.value.param == next(iter(bad))


@pytest.mark.parametrize(
    "job_id", ["", "job_", "../../secret", "job_' OR '1'='1", "job_" + "f" * 30, "JOB_" + "0" * 30, "job_%00", "\0"]
)
def test_an_id_that_is_none_is_not_found(history: History, job_id: str) -> None:
    _say(history)
    with pytest.raises(NotFound):
        history.get(job_id)
    with pytest.raises(NotFound):
        history.delete(job_id)
    assert len(history.list()) == 1


def test_the_job_of_another_caller_is_not_found(history: History) -> None:
    job_id = _say(history, caller="key_a")
    for call in (history.get, history.delete):
        with pytest.raises(NotFound):
            call(job_id, caller="key_b")
    assert history.get(job_id, caller="key_a").id == job_id


# ---- what is kept


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


# ---- what goes wrong


def test_a_full_disk_fails_the_job_and_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    history = _history(settings, keep_audio="all")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="disk is full"), history.record("speech", SPEAKER, {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    failed = history.get(job.id)
    assert (failed.status, failed.error_code, failed.audio_size) == ("failed", "storage_full", None)
    assert _blobs(history) == []


def test_a_full_database_is_told_and_the_row_is_closed_later(settings: Settings) -> None:
    history = _history(settings)
    with db.connect(settings).connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    db.dispose(settings)
    limit = lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}").close()  # noqa: E731
    event.listen(db.connect(settings), "connect", limit)
    with pytest.raises(StorageFull), history.record("speech", SPEAKER, {}, caller="cli", input_text="x" * 100_000):
        raise AssertionError("the block must not run when its row could not be written")
    event.remove(db.connect(settings), "connect", limit)
    db.dispose(settings)
    assert history.list() == []


def test_a_database_that_is_gone_is_told_before_the_engine_works(settings: Settings) -> None:
    history = History(settings)  # no tables
    with pytest.raises(StorageFailed), history.record("speech", SPEAKER, {}, caller="cli"):
        raise AssertionError("the block must not run when its row could not be written")


PROGRAM = """
import os, sys, signal
from tingshuo import db
from tingshuo.jobs import History
from tingshuo.settings import load_settings
from tingshuo.tones import ToneSynthesizer
settings = load_settings(data_dir=sys.argv[1], database_url=sys.argv[2])
db.upgrade(settings)
with History(settings).record("speech", ToneSynthesizer(), {}, caller="key_a") as job:
    print(job.id, flush=True)
    sys.stdin.read()
"""


def _working_process(settings: Settings) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-c", PROGRAM, str(settings.data_dir), settings.database_url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_the_job_of_a_killed_process_becomes_failed_and_that_of_a_living_one_stays(any_database: Settings) -> None:
    killed, lost = _working_process(any_database)
    living, kept = _working_process(any_database)
    history = History(any_database)
    assert history.recover() == 0
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert history.recover() == 1
    row = history.get(lost)
    assert (row.status, row.error_code) == ("failed", "interrupted")
    assert row.error_message == "interrupted: the process ended before the job finished"
    assert row.finished_at is not None
    assert history.get(kept).status == "running"
    living.communicate("", timeout=60)
    assert history.get(kept).status == "succeeded"
    assert history.recover() == 0


def test_what_runs_on_another_machine_is_left_alone(history: History) -> None:
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        with db.session(history.settings) as session:
            session.execute(update(Job).values(node="another", process="gone"))
        assert history.recover() == 0
    assert history.get(job.id).status == "succeeded"


def test_signs_of_life_are_removed_with_their_process(tmp_path: Path) -> None:
    sign = liveness.LifeSign(tmp_path)
    assert liveness.is_alive(tmp_path, sign.id)
    (tmp_path / "processes" / "left-by-a-killed-one").touch()
    liveness.sweep(tmp_path)
    assert [path.name for path in (tmp_path / "processes").iterdir()] == [sign.id]
    sign.close()
    assert not liveness.is_alive(tmp_path, sign.id)
    assert list((tmp_path / "processes").iterdir()) == []


def test_many_threads_record_at_once(history: History) -> None:
    with ThreadPoolExecutor(8) as together:
        ids = list(together.map(lambda number: _say(history, str(number)), range(40)))
    assert {job.id for job in history.list(status="succeeded", limit=200)} == set(ids)


def test_another_history_of_the_same_folder_sees_the_jobs(settings: Settings) -> None:
    job_id = _say(_history(settings))
    assert History(load_settings(data_dir=settings.data_dir)).get(job_id).id == job_id
