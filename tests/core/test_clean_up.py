"""The clean-up: it says beforehand what it will remove, removes that, and notes that it ran. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tingshuo import blobs, db
from tingshuo.db import Job
from tingshuo.jobs import History
from tingshuo.queues import clean_up
from tingshuo.queues.clean_up import Removal
from tingshuo.settings import Settings
from tingshuo.tones import ToneSynthesizer


@pytest.fixture
def settings(any_database: Settings) -> Settings:
    db.upgrade(any_database)
    return any_database.model_copy(update={"keep_days": 30, "keep_audio": "all"})


def _spoken(settings: Settings, days: int, link_expired: bool = False) -> str:
    with History(settings).record("speech", ToneSynthesizer(), {}, caller="cli") as job:
        job.finish({}, audio=b"sound", audio_format="wav")
    ended = datetime.now(UTC) - timedelta(days=days)
    expires = ended if link_expired else None
    with db.session(settings) as session:
        values = {"finished_at": ended, "audio_expires_at": expires}
        session.execute(update(Job).where(Job.id == job.id).values(**values))
    return job.id


def test_what_is_due_is_what_goes(settings: Settings) -> None:
    kept = _spoken(settings, 29)
    expired = _spoken(settings, 1, link_expired=True)
    for days in (31, 400):
        _spoken(settings, days)
    assert clean_up.last(settings) is None
    assert clean_up.due(settings) == Removal(jobs=2, audio=1, bytes=15)
    assert clean_up.clean_up(settings, "key_a") == Removal(jobs=2, audio=1, bytes=15)
    assert clean_up.due(settings) == Removal(0, 0, 0)
    assert {job.id for job in History(settings).list()} == {kept, expired}
    assert set(blobs.store(settings).jobs()) == {kept}
    last = clean_up.last(settings)
    assert last is not None
    assert (last.caller, last.jobs, last.audio, last.bytes) == ("key_a", 2, 1, 15)


def test_a_bound_lets_the_oldest_go_first(settings: Settings) -> None:
    ids = [_spoken(settings, days) for days in (40, 60, 50)]
    assert clean_up.clean_up(settings, "key_a", most=2).jobs == 2
    assert [job.id for job in History(settings).list()] == [ids[0]]
    assert clean_up.due(settings).jobs == 1


def test_nothing_is_due_where_jobs_are_kept_for_ever(settings: Settings) -> None:
    _spoken(settings, 4000)
    for_ever = settings.model_copy(update={"keep_days": 0})
    assert clean_up.due(for_ever) == clean_up.clean_up(for_ever) == Removal(0, 0, 0)
    last = clean_up.last(for_ever)
    assert last is not None
    assert last.caller == "maintenance"


def test_expired_audio_of_an_old_job_is_told_once(settings: Settings) -> None:
    _spoken(settings, 31, link_expired=True)
    assert clean_up.due(settings) == Removal(jobs=1, audio=0, bytes=5)
