"""Calls by mood: written when a recording is transcribed, ranked, paged, filtered and summed up, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from tingshuo import db
from tingshuo.calls import CallFilter, bad_share, page, trends
from tingshuo.db import Call
from tingshuo.errors import InvalidRequest
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.tones import ToneRecognizer


@pytest.fixture
def history(any_database: Settings) -> History:
    db.upgrade(any_database)
    return History(any_database)


def _heard(
    history: History, emotions: Mapping[str, float], *, caller: str = "key_a", events: Sequence[str] = (), **more: Any
) -> str:
    """A transcription with so many seconds of each emotion, made `days` ago."""
    start = 0.0
    segments: list[dict[str, Any]] = []
    for label, seconds in emotions.items():
        told = {"label": label, "score": 1.0, "scores": {label: 1.0}}
        segments.append({"start": start, "end": start + seconds, "text": "好", "emotion": told, "events": []})
        start += seconds
    for label in events:
        segments[0]["events"] = [*segments[0]["events"], {"label": label, "start": 0.0, "end": 1.0}]
    with history.record("transcription", ToneRecognizer(), {}, caller=caller, input_name=more.get("name")) as job:
        job.finish({"text": more.get("text", "好"), "segments": segments}, audio_seconds=start)
    if days := more.get("days"):
        with db.session(history.settings) as session:
            made = datetime.now(UTC) - timedelta(days=days)
            session.execute(update(Call).where(Call.job_id == job.id).values(created_at=made))
    return job.id


def test_bad_mood_is_a_share_of_the_speech_whose_mood_was_told() -> None:
    assert bad_share({"angry": 1.0, "sad": 1.0, "happy": 2.0, "unknown": 96.0}) == 0.5
    assert bad_share({"unknown": 3.0}) == bad_share({}) == 0.0


def test_the_worst_comes_first_and_pages_lose_and_repeat_nothing(history: History) -> None:
    shares = (0.25, 1.0, 0.0, 0.25, 0.7, 0.25)
    ids = [_heard(history, {"angry": share, "happy": 1 - share}) for share in shares]
    expected = sorted(range(6), key=lambda number: (shares[number], ids[number]), reverse=True)
    found: list[str] = []
    after = None
    while rows := page(history.settings, CallFilter(), after=after, limit=2):
        found += [row.call.job_id for row in rows]
        after = rows[-1].cursor
    assert found == [ids[number] for number in expected]
    newest = page(history.settings, CallFilter(), order="newest", limit=2)
    again = page(history.settings, CallFilter(), order="newest", after=newest[-1].cursor)
    assert [row.call.job_id for row in (*newest, *again)] == sorted(ids, reverse=True)


def test_calls_are_narrowed_by_everything_they_are_known_by(history: History) -> None:
    mine = _heard(history, {"angry": 2.0}, events=["laughter"], name="退款100%.wav", text="我要退款")
    other = _heard(history, {"happy": 2.0}, caller="key_b", days=3)

    def found(**wanted: Any) -> list[str]:
        return [row.call.job_id for row in page(history.settings, CallFilter(**wanted))]

    assert found(emotion="angry") == found(event="laughter") == found(q="要退") == found(q="100%") == [mine]
    assert found(caller="key_b") == found(emotion="happy") == [other]
    day_ago = datetime.now(UTC) - timedelta(days=1)
    assert (found(since=day_ago), found(until=day_ago)) == ([mine], [other])
    assert found(emotion="ang") == found(event="laugh%") == found(q="0%1") == []


def test_trends_are_told_by_day_and_by_caller(history: History) -> None:
    _heard(history, {"angry": 2.0})
    _heard(history, {"happy": 4.0})
    _heard(history, {"sad": 1.0}, caller="key_b", days=2)
    today, before = trends(history.settings, CallFilter(), "day")
    assert (today.day, today.calls, today.bad_mood, today.audio_seconds) == (f"{datetime.now(UTC):%F}", 2, 0.5, 6.0)
    assert (before.calls, before.bad_mood) == (1, 1.0)
    assert [(row.caller, row.calls) for row in trends(history.settings, CallFilter(), "caller")] == [
        ("key_b", 1),
        ("key_a", 2),
    ]
    assert [row.calls for row in trends(history.settings, CallFilter(caller="key_b"), "day")] == [1]


def test_what_is_no_end_of_a_page_is_refused(history: History) -> None:
    for wrong in ("job_1", "", "nan:job_" + 30 * "0", "0.5:job_" + 29 * "0", "-1:job_" + 30 * "0"):
        with pytest.raises(InvalidRequest, match="after is"):
            page(history.settings, CallFilter(), after=wrong)
    for limit in (0, 201):
        with pytest.raises(InvalidRequest, match="between 1 and 200"):
            page(history.settings, CallFilter(), limit=limit)


def test_a_call_goes_with_its_job(history: History) -> None:
    history.delete(_heard(history, {"sad": 1.0}))
    with db.session(history.settings) as session:
        assert session.execute(text("SELECT count(*) FROM calls")).scalar() == 0


def test_what_failed_is_no_call(history: History) -> None:
    with pytest.raises(RuntimeError), history.record("transcription", ToneRecognizer(), {}, caller="key_a"):
        raise RuntimeError("broken")
    assert page(history.settings, CallFilter()) == []
