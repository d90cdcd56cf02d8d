"""What S3 alone can do: refuse, lack its bucket, be away. Nothing of the key gets into what is told or logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from s3_server import KEY, S3, SECRET

from tingshuo import blobs
from tingshuo.errors import NotFound, StorageFailed
from tingshuo.object_store import RemoteBlobs
from tingshuo.settings import load_settings

JOB = "job_" + "1" * 30


@pytest.fixture
def stored(s3: S3) -> RemoteBlobs:
    """A store with one blob."""
    made = RemoteBlobs(s3.url)
    made.write(JOB, "a.wav", b"sound")
    return made


def _read(stored: RemoteBlobs) -> bytes:
    with stored.local(JOB, "a.wav") as path:
        return path.read_bytes()


USES: dict[str, Callable[[RemoteBlobs], object]] = {
    "write": lambda stored: stored.write(JOB, "b.wav", b"more"),
    "write much": lambda stored: stored.write(JOB, "b.wav", b"x" * 9 * 2**20),
    "read": _read,
    "remove": lambda stored: stored.remove(JOB, "a.wav"),
    "remove all": lambda stored: stored.remove(JOB),
    "remove others": lambda stored: stored.remove_others(JOB, {"b.wav"}),
    "list": lambda stored: list(stored.jobs()),
}


def test_objects_lie_below_the_folder_of_the_url(s3: S3, stored: RemoteBlobs) -> None:
    (found,) = s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]
    assert found["Key"] == f"tingshuo/11/{JOB}/a.wav"


@pytest.mark.parametrize(
    ("uses", "action"),
    [
        (["write"], "s3:PutObject"),
        (["read"], "s3:GetObject"),
        (["remove", "remove all", "remove others"], "s3:DeleteObject"),
    ],
)
def test_what_is_refused_is_told_and_not_taken_for_done(
    s3: S3, stored: RemoteBlobs, uses: list[str], action: str
) -> None:
    s3.forbid(action)
    for use in uses:
        with pytest.raises(StorageFailed, match="refuses access"):
            USES[use](stored)
    s3.allow()
    assert _read(stored) == b"sound"
    assert s3.names() == ["a.wav"]


@pytest.mark.parametrize("use", USES)
def test_a_bucket_that_is_not_there_is_not_a_blob_that_is_missing(s3: S3, use: str) -> None:
    with pytest.raises(StorageFailed, match="no such bucket"):
        USES[use](RemoteBlobs("s3://no-such-bucket/folder"))


def test_a_server_that_is_away_is_told_and_used_again_when_it_is_back(
    s3: S3, stored: RemoteBlobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tingshuo")
    s3.stop()
    for name in ("write", "read", "remove", "list"):
        with pytest.raises(StorageFailed, match="object store") as caught:
            USES[name](stored)
        told = str(caught.value)
        assert not any(word in told for word in (KEY, SECRET, str(s3.port), s3.bucket)), name
    s3.start()
    assert _read(stored) == b"sound"
    stored.remove(JOB)
    assert s3.names() == []
    assert not any(word in caplog.text for word in (KEY, SECRET))


def test_an_upload_that_broke_off_holds_no_parts(s3: S3, stored: RemoteBlobs, tmp_path: Path) -> None:
    s3.forbid("s3:PutObject")
    with pytest.raises(StorageFailed):
        stored.write(JOB, "b.wav", b"x" * 20 * 2**20)
    assert s3.uploads() == 0


def test_a_server_that_knows_no_such_key_is_told(
    s3: S3, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored = RemoteBlobs(s3.url)
    monkeypatch.setattr("moto.core.responses.ActionAuthenticatorMixin.request_count", 0)
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0.0)
    with pytest.raises(StorageFailed, match=r"refuses access \(InvalidAccessKeyId\)") as caught:
        stored.write(JOB, "b.wav", b"more")
    assert not any(word in str(caught.value) + caplog.text for word in (KEY, SECRET))


def test_the_store_of_the_settings_is_made_once(s3: S3, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, blob_url=s3.url)
    assert blobs.store(settings) is blobs.store(settings)
    with pytest.raises(NotFound, match="no audio is kept"), blobs.store(settings).local(JOB, "a.wav"):
        pass
