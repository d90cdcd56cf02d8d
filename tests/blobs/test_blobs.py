"""Blobs in a folder and in an object store."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from job_site import Site

from tingshuo import blobs
from tingshuo.blobs import Blobs, LocalBlobs
from tingshuo.errors import ConfigurationError, NotFound, StorageFailed
from tingshuo.object_store import RemoteBlobs
from tingshuo.settings import load_settings

JOB, OTHER = "job_" + "1" * 30, "job_" + "2" * 30


class BreaksOff(io.BytesIO):
    """A file of which only the first part can be read."""

    def __init__(self, size: int) -> None:
        super().__init__(b"x" * size)

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == len(self.getbuffer()):
            raise OSError(errno.EIO, "a disk that is broken")
        return super().read(size)


@pytest.fixture(params=["folder", "s3"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """An empty store of each kind."""
    url = request.getfixturevalue("s3").url if request.param == "s3" else ""
    return blobs.store(load_settings(data_dir=tmp_path, blob_url=url))


def test_what_was_written_is_read_back(stored: Blobs, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"from a file")
    opened = io.BytesIO(b"from an open one")
    opened.read()
    for name, content in (("a.wav", b"bytes"), ("b.wav", tmp_path / "upload"), ("c.wav", opened)):
        size = stored.write(JOB, name, content)
        with stored.local(JOB, name) as path:
            assert len(path.read_bytes()) == size
            assert path.suffix == ".wav"
    assert list(stored.jobs()) == [JOB]


def test_what_was_removed_is_gone(stored: Blobs) -> None:
    for job in (JOB, OTHER):
        for name in ("input.wav", "audio.mp3"):
            stored.write(job, name, b"sound")
    stored.remove(JOB, "input.wav")
    with pytest.raises(NotFound), stored.local(JOB, "input.wav"):
        pass
    with stored.local(JOB, "audio.mp3") as path:
        assert path.read_bytes() == b"sound"
    stored.write(JOB, "audio-2.mp3", b"sound")
    stored.remove_others(JOB, {"audio-2.mp3", None})
    with pytest.raises(NotFound), stored.local(JOB, "audio.mp3"):
        pass
    stored.remove(JOB)
    assert list(stored.jobs()) == [OTHER]
    for _ in range(2):
        stored.remove(OTHER)
        stored.remove(OTHER, "audio.mp3")
    assert list(stored.jobs()) == []


def test_what_is_larger_than_one_part_and_what_is_empty_are_kept_as_they_are(stored: Blobs) -> None:
    large = bytes(range(256)) * (9 * 2**20 // 256)
    for name, content in (("large.wav", large), ("empty.wav", b"")):
        for source in (content, io.BytesIO(content)):
            assert stored.write(JOB, name, source) == len(content)
            with stored.local(JOB, name) as path:
                assert path.read_bytes() == content


@pytest.mark.parametrize("size", [3, 9 * 2**20])
def test_what_breaks_off_while_it_is_written_leaves_nothing(stored: Blobs, size: int) -> None:
    with pytest.raises(StorageFailed):
        stored.write(JOB, "a.wav", BreaksOff(size))
    with pytest.raises(NotFound), stored.local(JOB, "a.wav"):
        pass


def test_what_another_process_wrote_and_removed_is_known_at_once(stored: Blobs) -> None:
    other: Blobs
    if isinstance(stored, LocalBlobs):
        other = LocalBlobs(stored.root)
    else:
        assert isinstance(stored, RemoteBlobs)
        other = RemoteBlobs(f"s3://{stored.root}")
    stored.write(JOB, "a.wav", b"one")
    assert list(stored.jobs()) == list(other.jobs()) == [JOB]
    other.write(JOB, "b.wav", b"two")
    other.write(OTHER, "a.wav", b"three")
    assert sorted(stored.jobs()) == [JOB, OTHER]
    stored.remove(JOB)
    assert list(other.jobs()) == [OTHER]
    with pytest.raises(NotFound), other.local(JOB, "b.wav"):
        pass


def test_many_threads_use_a_store_at_once(stored: Blobs) -> None:
    def one(number: int) -> bytes:
        job = f"job_{number:030x}"
        stored.write(job, "a.wav", b"%d" % number)
        with stored.local(job, "a.wav") as path:
            content = path.read_bytes()
        stored.remove(job)
        return content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [b"%d" % number for number in range(40)]
    assert list(stored.jobs()) == []


def test_a_store_that_cannot_be_used_stops_the_start(make_site: Callable[..., Site]) -> None:
    site = make_site(blob_url="nonsense://somebody:geheim@host/folder")
    with pytest.raises(ConfigurationError, match="TINGSHUO_BLOB_URL") as caught:
        site.work()
    assert "geheim" not in str(caught.value)
