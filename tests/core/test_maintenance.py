"""What goes by itself: old jobs, inputs that a crash left, blobs without a row."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tingshuo import blobs, db
from tingshuo.db import Job
from tingshuo.errors import NotFound
from tingshuo.jobs import History
from tingshuo.queues import clean_up, maintenance, rows
from tingshuo.recording import new_job_id
from tingshuo.settings import Settings
from tingshuo.submission import Submission, Terms, Upload, Wish
from tingshuo.testing import engines_of
from tingshuo.tones import ToneSynthesizer


def _queued(settings: Settings) -> str:
    wish = Wish({}, Upload(io.BytesIO(b"sound"), "a.wav"))
    return Submission(settings, engines_of(settings=settings), "key_a").job("transcription", wish, Terms())[0].id


def test_jobs_go_when_they_are_older_than_they_may_be(any_database: Settings) -> None:
    db.upgrade(any_database)
    settings = any_database.model_copy(update={"keep_days": 30, "keep_audio": "all"})
    history = History(settings)
    ids = []
    for days in (31, 29):
        with history.record("speech", ToneSynthesizer(), {}, caller="cli") as job:
            job.finish({}, audio=b"sound", audio_format="wav")
        ids.append(job.id)
        with db.session(settings) as session:
            ended = datetime.now(UTC) - timedelta(days=days)
            session.execute(update(Job).where(Job.id == job.id).values(finished_at=ended))
    waiting = _queued(settings)
    assert clean_up.remove_old(settings) == 1
    assert {job.id for job in history.list()} == {ids[1], waiting}
    assert set(blobs.store(settings).jobs()) == {ids[1], waiting}
    assert clean_up.remove_old(any_database) == 0


def test_an_input_that_a_crash_left_goes_but_not_that_of_a_job_that_waits(any_database: Settings) -> None:
    db.upgrade(any_database)
    ended, waiting = _queued(any_database), _queued(any_database)
    rows.cancel(any_database, ended)
    assert maintenance.remove_inputs(any_database) == 1
    assert list(blobs.store(any_database).jobs()) == [waiting]
    job = History(any_database).get(ended)
    assert (job.input_held, job.input_blob) == (False, None)
    assert maintenance.remove_inputs(any_database) == 0


def test_blobs_without_a_row_go_after_a_day(settings: Settings) -> None:
    db.upgrade(settings)
    stored, waiting = blobs.store(settings), _queued(settings)
    day_ago = int((datetime.now(UTC) - timedelta(days=1, minutes=1)).timestamp() * 1_000_000)
    old, new = new_job_id(day_ago), new_job_id()
    for job_id in (old, new):
        stored.write(job_id, "input.wav", b"sound")
    assert maintenance.remove_orphans(settings) == 1
    assert set(stored.jobs()) == {new, waiting}


def test_a_deleted_job_takes_its_input_along(any_database: Settings) -> None:
    db.upgrade(any_database)
    job_id, history = _queued(any_database), History(any_database)
    history.delete(job_id)
    assert list(blobs.store(any_database).jobs()) == []
    with pytest.raises(NotFound):
        history.get(job_id)
