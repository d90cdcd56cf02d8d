"""A database with rows of an older version keeps them when it is upgraded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from tingshuo import db
from tingshuo.calls import CallFilter, page
from tingshuo.db.upgrades import alembic_config
from tingshuo.filters import JobFilter
from tingshuo.jobs import History
from tingshuo.settings import Settings

_ROW = {
    "caller": "key_a",
    "engine": "ears",
    "engine_version": "1",
    "parameters": "{}",
    "node": "n",
    "process": "p",
    "pid": 1,
    "created_at": "2026-11-20 10:00:00.000000",
}
_HEARD = {
    "text": "今天真高兴",
    "segments": [
        {"start": 0.0, "end": 2.0, "emotion": {"label": "happy"}, "events": [{"label": "laughter"}]},
        {"start": 2.0, "end": 3.0, "emotion": None, "events": []},
        {"start": 3.0, "end": 5.0, "emotion": {"label": "angry"}, "events": []},
    ],
}


@pytest.fixture
def upgraded(any_database: Settings) -> History:
    """A history whose rows were written by revision 0001."""
    with db.connect(any_database).begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        _insert(connection, 1, kind="transcription", status="succeeded", result=json.dumps(_HEARD), input_name="a.wav")
        _insert(connection, 2, kind="speech", status="succeeded", parameters='{"emotion": "sad"}', audio_format="wav")
        _insert(connection, 3, kind="speech", status="running")
        connection.execute(text("UPDATE jobs SET audio_size = 5 WHERE kind = 'speech' AND status = 'succeeded'"))
    db.upgrade(any_database)
    return History(any_database)


def _insert(connection: Any, number: int, **values: object) -> None:
    row = {**_ROW, "id": _id(number), **values}
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})"), row)


def _id(number: int) -> str:
    return f"job_{number:030x}"


def test_no_row_and_no_value_is_lost(upgraded: History) -> None:
    rows = upgraded.list()
    assert [row.id for row in rows] == [_id(3), _id(2), _id(1)]
    heard = rows[-1]
    assert (heard.caller, heard.input_name, heard.result) == ("key_a", "a.wav", _HEARD)
    assert (heard.queue, heard.priority, heard.attempts, heard.input_held) == (None, 0, 0, False)


def test_old_rows_can_be_searched_and_their_audio_is_found(upgraded: History) -> None:
    assert [row.id for row in upgraded.list(JobFilter(emotion="happy", event="laughter", q="真高兴"))] == [_id(1)]
    assert [row.id for row in upgraded.list(JobFilter(emotion="sad"))] == [_id(2)]
    assert upgraded.get(_id(2)).audio_name == "audio.wav"


def test_old_recordings_are_ranked_as_calls(upgraded: History) -> None:
    [row] = page(upgraded.settings, CallFilter(emotion="happy", event="laughter"))
    assert (row.call.job_id, row.call.caller, row.call.events) == (_id(1), "key_a", {"laughter": 1})
    assert (row.call.emotions, row.call.bad_mood) == ({"happy": 2.0, "angry": 2.0}, 0.5)


def test_what_an_older_process_left_running_is_closed(upgraded: History) -> None:
    assert upgraded.recover() == 1
    assert upgraded.get(_id(3)).error_code == "interrupted"


def test_the_upgrade_can_be_undone_with_its_rows(any_database: Settings, upgraded: History) -> None:
    with db.connect(any_database).begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar() == 3
    db.upgrade(any_database)
    assert len(upgraded.list()) == 3
