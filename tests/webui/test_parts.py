"""Figures on the pages: lanes, shares, turning points, the matrix, values, settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tingshuo_webui import WebSettings, WrongSetting, create_app
from tingshuo_webui.emotions import HEIGHT, MOST_STACKS, WIDTH, chart_of, shares_of, turning_points
from tingshuo_webui.filters import seconds, size
from tingshuo_webui.matrix import matrix_of
from tingshuo_webui.pages.board import totals
from tingshuo_webui.pages.preferences import local_path


def _segment(start: float, end: float, emotion: str, **more: Any) -> dict[str, Any]:
    scores = more.pop("scores", {emotion: 1.0})
    told = {"label": emotion, "score": scores.get(emotion), "scores": scores}
    return {"start": start, "end": end, "text": "好", "emotion": told, "timing": "vad", "events": [], **more}


def test_a_lane_stacks_the_scores_over_the_length_of_a_segment() -> None:
    (lane,) = chart_of([_segment(2, 4, "angry", scores={"angry": 0.75, "neutral": 0.25})], 8.0)
    neutral, angry = lane.bars
    assert (neutral.x, neutral.width, neutral.height) == (WIDTH / 4, WIDTH / 4, HEIGHT / 4)
    assert (angry.y, angry.height) == (0, 0.75 * HEIGHT)


def test_segments_that_no_screen_could_tell_apart_are_drawn_together() -> None:
    segments = [_segment(i, i + 1, "angry" if i % 2 else "sad") for i in range(4 * MOST_STACKS)]
    (lane,) = chart_of(segments, 4.0 * MOST_STACKS)
    assert lane.together
    sad, angry = lane.bars[:2]
    assert (sad.emotion, sad.score, angry.score) == ("sad", 0.5, 0.5)
    assert len(lane.bars) == 2 * MOST_STACKS
    assert not chart_of(segments[:MOST_STACKS], 4.0 * MOST_STACKS)[0].together


def test_split_channels_have_a_lane_each() -> None:
    lanes = chart_of([_segment(0, 1, "sad", channel="right"), _segment(0, 1, "sad", channel="left")], 1.0)
    assert [lane.channel for lane in lanes] == ["left", "right"]


def test_times_that_were_not_measured_are_not_drawn() -> None:
    assert chart_of([_segment(0, 1, "sad", timing=None)], 1.0) == []
    assert shares_of([_segment(0, 1, "sad", timing=None)]) == []
    assert chart_of([], 0.0) == []


def test_shares_are_of_the_speech_whose_emotion_was_listened_for() -> None:
    silent = {**_segment(3, 9, "sad"), "emotion": None}
    shares = shares_of([_segment(0, 1, "sad"), _segment(1, 4, "happy"), silent])
    assert shares == [("happy", 3.0, 0.75), ("sad", 1.0, 0.25)]


def test_a_turning_point_is_a_change_of_one_sides_mood() -> None:
    turns = turning_points(
        [
            _segment(0, 1, "neutral", channel="left"),
            _segment(1, 2, "happy", channel="right"),
            _segment(2, 3, "unknown", channel="left"),
            _segment(3, 4, "angry", channel="left"),
            _segment(4, 5, "angry", channel="left"),
        ]
    )
    assert [(turn.time, turn.before, turn.after, turn.channel) for turn in turns] == [(3, "neutral", "angry", "left")]


def test_the_matrix_has_every_emotion_that_was_heard(app: Flask) -> None:
    with app.test_request_context():
        matrix = matrix_of({"confusion": {"sad": {"sad": 3, "angry": 1}, "happy": {"happy": 2}}})
    assert matrix.columns == ("happy", "sad", "angry")
    assert [(spoken, [cell.count for cell in cells]) for spoken, cells in matrix.rows] == [
        ("happy", [2, 0, 0]),
        ("sad", [0, 3, 1]),
    ]
    assert [cell.tenths for cell in matrix.rows[1][1]] == [0, 8, 2]


def test_days_together_have_the_mean_mood_of_all_their_calls() -> None:
    days = [{"calls": 1, "bad_mood": 1.0, "audio_seconds": 2.0}, {"calls": 3, "bad_mood": 0.2, "audio_seconds": 8.0}]
    assert totals(days) == {"calls": 4, "bad_mood": pytest.approx(0.4), "audio_seconds": 10.0}
    assert totals([]) == {"calls": 0, "bad_mood": None, "audio_seconds": 0}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0:00.0"), (65.25, "1:05.2"), (59.99, "1:00.0"), (3723.4, "1:02:03.4"), (3599.96, "1:00:00.0"), (None, "–")],
)
def test_seconds_are_shown_as_a_clock(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(5, "5 B"), (2048, "2 KiB"), (3 * 2**30, "3.0 GiB"), (None, "–")])
def test_bytes_have_a_unit(value: float | None, shown: str) -> None:
    assert size(value) == shown


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app(WebSettings("http://127.0.0.1:9", tmp_path, "secret"))


def test_only_paths_of_this_site_are_gone_back_to(app: Flask) -> None:
    with app.test_request_context():
        assert local_path("/history?q=1") == "/history?q=1"
        assert {local_path(bad) for bad in ("//a", "/\\a", "http://a", "/a\nb", "", None)} == {"/"}


def test_without_an_api_the_pages_say_so(app: Flask) -> None:
    client = app.test_client()
    token = client.get("/sign-in").text.partition('name="csrf-token" content="')[2].partition('"')[0]
    reply = client.post("/sign-in", data={"key": "ts-x", "csrf_token": token})
    assert reply.status_code == 502
    assert "no answer from the API at http://127.0.0.1:9" in reply.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_URL", "ftp://x"),
        ("API_URL", "nothing"),
        ("HTTPS", "maybe"),
        ("SESSION_HOURS", "0"),
        ("SECRET_FILE", "/none"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match=f"TINGSHUO_WEBUI_{name}"):
        WebSettings.from_environment({"TINGSHUO_WEBUI_DATA_DIR": str(tmp_path), f"TINGSHUO_WEBUI_{name}": value})


def test_the_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    environment = {"TINGSHUO_DATA_DIR": str(tmp_path)}
    first, second = (WebSettings.from_environment(environment) for _ in range(2))
    assert first.secret == second.secret
    assert (tmp_path / "webui" / "secret").stat().st_mode & 0o077 == 0
    assert first.secret not in repr(first)


def test_sessions_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    create_app(WebSettings("http://127.0.0.1:9", tmp_path, "secret"))
    assert (tmp_path / "sessions").stat().st_mode & 0o077 == 0
