"""Corrections of transcripts in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import event, func, select, text, update

from tingshuo import db, revisions
from tingshuo.corrections import Line, lines_heard
from tingshuo.db import Job, TranscriptRevision
from tingshuo.db.upgrades import alembic_config
from tingshuo.errors import NotFound, RevisionConflict
from tingshuo.jobs import History
from tingshuo.queues import clean_up
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer

HEARD = {
    "text": "你好。再见。",
    "language": "zh",
    "duration": 3.0,
    "segments": [
        {"start": 0.0, "end": 1.0, "text": "你好。", "language": "zh", "emotion": None, "events": [], "timing": "vad"},
        {"start": 2.0, "end": 3.0, "text": "再见。", "language": "zh", "emotion": None, "events": [], "timing": "vad"},
    ],
}
HELLO, BYE = lines_heard(HEARD)


@pytest.fixture
def history(any_database: Settings) -> History:
    """An empty history."""
    db.upgrade(any_database)
    return History(any_database)


def _heard(history: History, result: Any = None) -> Job:
    with history.record("transcription", ToneRecognizer(), {}, caller="key_a") as recording:
        recording.finish(result or HEARD)
    return history.get(recording.id)


def _revised(history: History, job: Job, *lines: Line, expected: str | None = None) -> int:
    asked = None if expected is None else [expected]
    row = revisions.revise(history.settings, job, lines, caller="key_b", expected=asked)
    return row.revision if row else 0


def _count(settings: Settings) -> int:
    with db.session(settings) as session:
        return session.scalar(select(func.count()).select_from(TranscriptRevision)) or 0


def _line(text: str) -> Line:
    return Line(0, 0.0, 1.0, text)


def test_revisions_are_numbered_and_come_back_as_they_were_written(history: History) -> None:
    job = _heard(history)
    assert revisions.current(history.settings, job.id) is None
    assert [_revised(history, job, _line(f"第{number}次"), BYE) for number in (1, 2)] == [1, 2]
    row = revisions.current(history.settings, job.id)
    assert row is not None
    assert (row.revision, row.caller, row.changed) == (2, "key_b", 1)
    assert revisions.lines_of(job, row) == (_line("第2次"), BYE)
    assert row.created_at.tzinfo is not None
    assert [one.revision for one in revisions.of_job(history.settings, job.id)] == [2, 1]
    first = revisions.numbered(history.settings, job.id, 1)
    assert first is not None
    assert revisions.lines_of(job, first)[0].text == "第1次"
    assert revisions.numbered(history.settings, job.id, 0) is None
    assert history.get(job.id).result == HEARD


def test_jobs_have_revisions_of_their_own(history: History) -> None:
    one, two = _heard(history), _heard(history)
    assert _revised(history, one, _line("甲"), BYE) == 1
    assert _revised(history, two, _line("乙"), BYE) == 1
    with pytest.raises(NotFound, match=r"no revision 2; there is 0 \(as heard\) and 1 to 1"):
        revisions.numbered(history.settings, two.id, 2)


def test_the_newest_ones_are_kept(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "MOST_REVISIONS", 3)
    job = _heard(history)
    for number in range(5):
        _revised(history, job, _line(str(number)), BYE)
    assert [row.revision for row in revisions.of_job(history.settings, job.id)] == [5, 4, 3]
    with pytest.raises(NotFound, match=r"no revision 2; there is 0 \(as heard\) and 3 to 5"):
        revisions.numbered(history.settings, job.id, 2)
    assert _revised(history, job, _line("after"), BYE) == 6


def test_of_several_who_save_at_once_one_wins_and_the_others_are_told(history: History) -> None:
    job, told, together = _heard(history), [], threading.Barrier(4)

    def save(number: int) -> None:
        together.wait(timeout=30)
        try:
            told.append(_revised(history, job, _line(f"来自{number}"), BYE, expected="0"))
        except RevisionConflict:
            told.append(-1)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(told) == [-1, -1, -1, 1]
    assert _count(history.settings) == 1


def test_without_a_condition_all_who_save_at_once_get_a_revision(history: History) -> None:
    job, told, together = _heard(history), [], threading.Barrier(4)

    def save(number: int) -> None:
        together.wait(timeout=30)
        told.append(_revised(history, job, _line(f"来自{number}"), BYE))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(told) == [1, 2, 3, 4]


def test_one_query_tells_which_jobs_were_corrected(history: History) -> None:
    jobs = [_heard(history) for _ in range(4)]
    _revised(history, jobs[0], _line("改"), BYE)
    _revised(history, jobs[1], _line("改"), BYE)
    _revised(history, jobs[1], HELLO, BYE)  # and back
    _revised(history, jobs[2], HELLO)
    statements: list[str] = []
    engine = db.connect(history.settings)
    listen = lambda *arguments: statements.append(arguments[2])  # noqa: E731 - (connection, cursor, statement, …)
    event.listen(engine, "before_cursor_execute", listen)
    try:
        found = revisions.corrected_among(history.settings, [job.id for job in jobs])
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert found == {jobs[0].id, jobs[2].id}
    assert len([one for one in statements if "transcript_revisions" in one]) == 1
    assert revisions.corrected_among(history.settings, []) == set()


def test_a_deleted_job_and_an_old_one_take_their_revisions_along(history: History) -> None:
    deleted, old, kept = (_heard(history) for _ in range(3))
    for job in (deleted, old, kept):
        _revised(history, job, _line("改"), BYE)
    history.delete(deleted.id)
    with pytest.raises(NotFound):
        _revised(history, deleted, _line("又改"), BYE)
    with db.session(history.settings) as session:
        ended = datetime.now(UTC) - timedelta(days=31)
        session.execute(update(Job).where(Job.id == old.id).values(finished_at=ended))
    assert clean_up.remove_old(history.settings.model_copy(update={"keep_days": 30})) == 1
    assert _count(history.settings) == 1
    assert revisions.current(history.settings, kept.id) is not None


def test_the_table_comes_to_a_database_with_jobs_and_goes_without_them(history: History) -> None:
    job = _heard(history)
    settings = history.settings
    _revised(history, job, _line("改"), BYE)
    with db.connect(settings).begin() as connection:
        command.downgrade(alembic_config(connection), "0002")
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 1
    db.upgrade(settings)
    assert history.get(job.id).result == HEARD
    assert revisions.current(settings, job.id) is None
    assert _revised(history, job, _line("再改"), BYE) == 1
