"""The history: a job from its first row to its last page."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from histories import LISTENER, SECRET_TEXT, SPEAKER, new_history, say

from tingshuo.errors import EngineFailed, InvalidRequest, NotFound
from tingshuo.filters import JobFilter
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.tones import ToneSynthesizer
from tingshuo.types import Model


def test_a_job_runs_while_its_block_runs_and_has_succeeded_afterwards(history: History) -> None:
    with history.record("speech", SPEAKER, {"voice": "high"}, caller="cli", input_text="你好") as job:
        running = history.get(job.id)
        job.finish({"duration": 0.5}, audio_seconds=0.5, characters=2)
    done = history.get(job.id)
    assert (running.status, running.finished_at, running.attempts) == ("running", None, 1)
    assert f":{os.getpid()}:" in (running.worker or "")
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
    history = new_history(settings)
    with history.record("speech", Weighty(), {}, caller="cli") as job:
        pass
    assert history.get(job.id).model_checksum == hashlib.sha256(b"weights").hexdigest()


def test_pages_follow_one_another_from_the_newest_on(history: History) -> None:
    ids = [say(history, str(number)) for number in range(5)]
    first = history.list(limit=2)
    second = history.list(limit=2, after=first[-1].id)
    rest = history.list(limit=2, after=second[-1].id)
    assert [job.id for job in (*first, *second, *rest)] == ids[::-1]


def test_lists_are_narrowed_by_caller_kind_and_status(history: History) -> None:
    mine, other = say(history, caller="key_a"), say(history, caller="key_b")
    with pytest.raises(EngineFailed), history.record("transcription", LISTENER, {}, caller="key_a") as job:
        raise EngineFailed("no")
    assert [row.id for row in history.list(caller="key_a")] == [job.id, mine]
    assert [row.id for row in history.list(caller="key_b")] == [other]
    assert [row.id for row in history.list(JobFilter(kind="transcription"))] == [job.id]
    assert [row.id for row in history.list(JobFilter(status="succeeded"), caller="key_a")] == [mine]


@pytest.mark.parametrize("bad", [{"limit": 0}, {"limit": 201}, {"after": "x' OR 1=1"}, {"after": ""}])
def test_a_page_that_makes_no_sense_is_refused(history: History, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        history.list(**bad)
    assert caught.value.param == next(iter(bad))


@pytest.mark.parametrize(
    "job_id", ["", "job_", "../../secret", "job_' OR '1'='1", "job_" + "f" * 30, "JOB_" + "0" * 30, "job_%00", "\0"]
)
def test_an_id_that_is_none_is_not_found(history: History, job_id: str) -> None:
    say(history)
    with pytest.raises(NotFound):
        history.get(job_id)
    with pytest.raises(NotFound):
        history.delete(job_id)
    assert len(history.list()) == 1


def test_the_job_of_another_caller_is_not_found(history: History) -> None:
    job_id = say(history, caller="key_a")
    for call in (history.get, history.delete):
        with pytest.raises(NotFound):
            call(job_id, caller="key_b")
    assert history.get(job_id, caller="key_a").id == job_id
