"""The history: full disks, lost databases, killed processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from histories import SPEAKER, blobs, new_history, say
from sqlalchemy import event, update

from tingshuo import db
from tingshuo.db import Job
from tingshuo.errors import StorageFailed, StorageFull
from tingshuo.filters import JobFilter
from tingshuo.jobs import History
from tingshuo.queues import rows
from tingshuo.settings import Settings, load_settings


def test_a_full_disk_fails_the_job_and_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    history = new_history(settings, keep_audio="all")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="disk is full"), history.record("speech", SPEAKER, {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    failed = history.get(job.id)
    assert (failed.status, failed.error_code, failed.audio_size) == ("failed", "storage_full", None)
    assert blobs(history) == []


def test_a_full_database_is_told_and_the_row_is_closed_later(settings: Settings) -> None:
    history = new_history(settings)
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
from tingshuo.queues import rows
from tingshuo.settings import load_settings
from tingshuo.tones import ToneSynthesizer
settings = load_settings(data_dir=sys.argv[1], database_url=sys.argv[2], lease_seconds=4)
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
    deadline = time.monotonic() + 60
    while history.get(lost).status == "running":
        assert time.monotonic() < deadline
        history.recover()
        time.sleep(0.1)
    row = history.get(lost)
    assert (row.status, row.error_code) == ("failed", "interrupted")
    assert row.error_message == "interrupted: the process ended before the job finished"
    assert row.finished_at is not None
    assert history.get(kept).status == "running"
    living.communicate("", timeout=60)
    assert history.get(kept).status == "succeeded"
    assert history.recover() == 0


def test_a_process_that_ends_in_order_leaves_nothing_to_wait_for(settings: Settings) -> None:
    ending = new_history(settings)
    with ending.record("speech", SPEAKER, {}, caller="cli") as job:
        ending.close()
        assert History(settings).recover() == 1
    row = ending.get(job.id)
    assert (row.status, row.error_code) == ("failed", "interrupted")


def test_what_runs_on_another_machine_is_left_alone_while_its_lease_is_extended(history: History) -> None:
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        with db.session(history.settings) as session:
            session.execute(update(Job).values(worker="another"))
        assert history.recover() == 0
        with db.session(history.settings) as session:
            session.execute(update(Job).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
        assert history.recover() == 1
    assert history.get(job.id).error_code == "interrupted"


def test_who_was_taken_for_dead_changes_nothing_any_more(settings: Settings) -> None:
    history = new_history(settings, keep_audio="all")
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        with db.session(settings) as session:
            session.execute(update(Job).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
        assert history.recover() == 1
        job.finish({}, audio=b"sound", audio_format="wav")
    assert (history.get(job.id).status, history.get(job.id).audio_name) == ("failed", None)
    assert blobs(history) == []


def test_a_result_stays_whole_where_the_database_took_it_but_its_answer_was_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = new_history(settings, keep_audio="all")
    end = rows.end

    def unheard(*given: Any) -> bool:
        monkeypatch.setattr(rows, "end", end)
        assert end(*given)
        raise StorageFailed("the server closed the connection unexpectedly")

    monkeypatch.setattr(rows, "end", unheard)
    with pytest.raises(StorageFailed), history.record("speech", SPEAKER, {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    assert history.get(job.id).status == "succeeded"
    with history.audio(history.get(job.id)) as audio:
        assert audio.read_bytes() == b"sound"


def test_an_end_that_is_written_twice_is_one_and_another_end_is_refused(settings: Settings) -> None:
    history = new_history(settings)
    with history.record("speech", SPEAKER, {}, caller="cli") as job:
        pass
    claim = rows.Claim(job.id, history.leases.worker, 1)
    as_written = {"status": "succeeded", "result": {}}
    assert rows.end(settings, claim, as_written)
    assert not rows.end(settings, claim, {**as_written, "audio_name": "audio.wav"})
    assert not rows.end(settings, claim, {"status": "failed", "error_code": "engine_failed"})
    assert not rows.end(settings, rows.Claim(job.id, history.leases.worker, 2), as_written)
    assert history.get(job.id).error_code is None


def test_many_threads_record_at_once(history: History) -> None:
    with ThreadPoolExecutor(8) as together:
        ids = list(together.map(lambda number: say(history, str(number)), range(40)))
    assert {job.id for job in history.list(JobFilter(status="succeeded"), limit=200)} == set(ids)


def test_another_history_of_the_same_folder_sees_the_jobs(settings: Settings) -> None:
    job_id = say(new_history(settings))
    assert History(load_settings(data_dir=settings.data_dir)).get(job_id).id == job_id
