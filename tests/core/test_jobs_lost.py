"""The history: full disks, lost databases, killed processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from tingshuo import db, liveness
from tingshuo.db import Job
from tingshuo.errors import StorageFailed, StorageFull
from tingshuo.jobs import History
from tingshuo.settings import Settings, load_settings
from tingshuo.tones import ToneSynthesizer

SPEAKER = ToneSynthesizer()


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
