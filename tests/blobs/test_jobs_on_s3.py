"""Jobs whose audio lies on S3: from the request to the end of what is kept, and while S3 is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from job_site import Site
from s3_server import S3
from sqlalchemy import update
from starlette.testclient import TestClient

from tingshuo import auth, db
from tingshuo.api import create_app
from tingshuo.db import Job
from tingshuo.errors import StorageFailed
from tingshuo.queues.clean_up import clean_up
from tingshuo.settings import load_settings
from tingshuo.testing import engines_of


@pytest.fixture
def shared(s3: S3, tmp_path: Path) -> dict[str, object]:
    """What the API and the worker have in common: the database and the bucket, not the data folder."""
    return {"database_url": f"sqlite:///{tmp_path}/shared.db", "blob_url": s3.url, "keep_audio": "all"}


@pytest.fixture
def site(make_site: Callable[..., Site], shared: dict[str, object], tmp_path: Path) -> Site:
    """The worker, which has not begun."""
    return make_site(data_dir=tmp_path / "worker", **shared)


@pytest.fixture
def api(site: Site, shared: dict[str, object], tmp_path: Path) -> Iterator[TestClient]:
    """The API, which works on no jobs itself; requests are an admin's."""
    settings = load_settings(data_dir=tmp_path / "api", job_threads=0, **shared)
    app = create_app(settings, engines_of(settings=settings))
    with TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50_000)) as client:
        client.headers["Authorization"] = f"Bearer {auth.create_key(settings, 'admin', ('admin',))[1]}"
        yield client


def _speak(api: TestClient) -> str:
    body = {"kind": "speech", "input": {"input": "hello", "response_format": "wav"}}
    reply = api.post("/v1/jobs", json=body)
    assert reply.status_code == 202, reply.text
    job: str = reply.json()["id"]
    return job


def _hear(api: TestClient, content: bytes) -> str:
    reply = api.post("/v1/jobs", data={"kind": "transcription"}, files={"file": ("a.wav", content)})
    assert reply.status_code == 202, reply.text
    job: str = reply.json()["id"]
    return job


def _age(site: Site) -> None:
    with db.session(site.settings) as session:
        session.execute(update(Job).values(finished_at=datetime.now(UTC) - timedelta(days=3)))


def test_audio_goes_through_the_bucket_and_out_of_it_again(api: TestClient, site: Site, s3: S3) -> None:
    site.work()
    spoken = _speak(api)
    assert site.until(spoken, "succeeded", "failed").status == "succeeded"
    sound = api.get(f"/v1/jobs/{spoken}/audio")
    assert (sound.status_code, sound.headers["content-type"], sound.content[:4]) == (200, "audio/wav", b"RIFF")
    part = api.get(f"/v1/jobs/{spoken}/audio", headers={"Range": "bytes=8-11"})
    assert (part.status_code, part.content) == (206, b"WAVE")
    heard = _hear(api, sound.content)
    assert site.until(heard, "succeeded", "failed").status == "succeeded"
    assert api.get(f"/v1/jobs/{heard}/audio").content == sound.content
    assert len(s3.names()) == 2

    assert api.delete(f"/v1/jobs/{heard}").status_code == 200
    assert s3.names() == ["audio.wav"]
    _age(site)
    assert clean_up(site.settings.model_copy(update={"keep_days": 1})).jobs == 1
    assert s3.names() == []
    assert api.get(f"/v1/jobs/{spoken}").status_code == 404


def test_audio_that_may_not_be_removed_keeps_its_row(api: TestClient, site: Site, s3: S3) -> None:
    site.work()
    job = _speak(api)
    site.until(job, "succeeded")
    _age(site)
    s3.forbid("s3:DeleteObject")
    refused = api.delete(f"/v1/jobs/{job}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "storage_failed")
    with pytest.raises(StorageFailed):
        clean_up(site.settings.model_copy(update={"keep_days": 1}))
    assert s3.names() == ["audio.wav"]
    s3.allow()
    assert api.get(f"/v1/jobs/{job}").status_code == 200
    assert clean_up(site.settings.model_copy(update={"keep_days": 1})).jobs == 1
    assert s3.names() == []


def test_while_the_store_is_away_uploads_are_refused_and_jobs_wait(
    api: TestClient, site: Site, s3: S3, caplog: pytest.LogCaptureFixture
) -> None:
    site.work()
    first = _speak(api)
    site.until(first, "succeeded")
    sound = api.get(f"/v1/jobs/{first}/audio").content
    s3.stop()
    spoken = _speak(api)
    refused = api.post("/v1/jobs", data={"kind": "transcription"}, files={"file": ("a.wav", sound)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "storage_failed")
    assert int(refused.headers["retry-after"]) > 0
    assert [job["id"] for job in api.get("/v1/jobs").json()["data"]] == [spoken, first]
    missing = api.get(f"/v1/jobs/{first}/audio")
    assert (missing.status_code, missing.json()["error"]["code"]) == (503, "storage_failed")
    deadline = time.monotonic() + 60
    while f"job {spoken} waits again" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    s3.start()
    job = site.until(spoken, "succeeded", "failed")
    assert (job.status, job.attempts) == ("succeeded", 1)
    assert site.until(_hear(api, sound), "succeeded", "failed").status == "succeeded"


def test_a_job_whose_upload_is_gone_fails_with_the_reason(api: TestClient, site: Site, s3: S3) -> None:
    job = _hear(api, b"anything")
    (name,) = s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]
    s3.client.delete_object(Bucket=s3.bucket, Key=name["Key"])
    site.work()
    ended = site.until(job, "succeeded", "failed")
    assert (ended.status, ended.error_code) == ("failed", "not_found")
    assert "no audio is kept" in str(ended.error_message)
