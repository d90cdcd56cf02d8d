"""Blobs in an object store, through fsspec: tested against S3, see docs/decisions/0017-blobs-through-fsspec.md."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tingshuo.blobs import BLOCK_BYTES, Content, readable, storage_error
from tingshuo.errors import ConfigurationError, NotFound, StorageFailed, StorageFull

#: Bytes of one part of an upload, and so of what an upload holds in memory. S3 takes 10,000 parts of 5 MiB and more.
_PART_BYTES = 8 * 2**20
#: What `fsspec` is to give to the client of a protocol. Without these a caller waits for minutes where no server is:
#: s3fs tries five times what botocore tries five times, and connecting alone may take a minute.
_S3_OPTIONS = {
    "use_listings_cache": False,  # other processes write too
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"mode": "standard", "max_attempts": 3}},
}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": _S3_OPTIONS, "s3a": _S3_OPTIONS}


class RemoteBlobs:
    """Blobs under an fsspec URL. An object appears whole, when its upload is complete."""

    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped]

        options = _OPTIONS.get(url.partition(":")[0], {})
        try:
            self._files, self.root = fsspec.core.url_to_fs(url, skip_instance_cache=True, **options)
        except (ImportError, ValueError) as error:
            shown = re.sub(r"//[^/]*@", "//…@", url)  # some protocols have a password in their URL
            raise ConfigurationError(f"TINGSHUO_BLOB_URL={shown!r} cannot be used: {error}") from error
        if options:
            self._files.retries = 1  # those of botocore are enough

    def write(self, job_id: str, name: str, content: Content) -> int:
        try:
            with _told(), self._upload(self._path(job_id, name)) as target:
                if isinstance(content, bytes):
                    return int(target.write(content))
                with readable(content) as source:
                    shutil.copyfileobj(source, target, BLOCK_BYTES)
                    return source.tell()
        except NotFound as error:  # not the object, which is new
            raise _no_bucket() from error

    @contextlib.contextmanager
    def local(self, job_id: str, name: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(prefix="tingshuo-", suffix=Path(name).suffix) as copy:
            try:
                with _told():
                    self._files.get_file(self._path(job_id, name), copy.name)
            except NotFound:
                raise NotFound(f"no audio is kept for job {job_id}", param="id") from None
            yield Path(copy.name)

    def remove(self, job_id: str, name: str | None = None) -> None:
        self._remove([self._path(job_id, name)] if name else self._listed(job_id))

    def remove_others(self, job_id: str, keep: Collection[str | None]) -> None:
        self._remove(path for path in self._listed(job_id) if path.rsplit("/", 1)[-1] not in keep)

    def jobs(self) -> Iterator[str]:
        return iter(dict.fromkeys(path.rsplit("/", 2)[-2] for path in self._listed()))

    def _upload(self, path: str) -> contextlib.AbstractContextManager[Any]:
        return _whole(self._files.open(path, "wb", block_size=_PART_BYTES))

    def _remove(self, paths: Collection[str] | Iterator[str]) -> None:
        for path in paths:
            # One by one: where many are removed at once, s3fs says nothing of those that S3 refused to remove.
            with contextlib.suppress(NotFound), _told():
                self._files.rm_file(path)

    def _listed(self, job_id: str | None = None) -> list[str]:
        """The objects of a job, or all; none where there is no such folder."""
        with contextlib.suppress(NotFound), _told():
            self._files.invalidate_cache()
            return [str(path) for path in self._files.find(self._path(job_id) if job_id else self.root)]
        return []

    def _path(self, job_id: str, *name: str) -> str:
        return "/".join((self.root, job_id[-2:], job_id, *name))


@contextlib.contextmanager
def _whole(target: Any) -> Iterator[Any]:  # noqa: ANN401 - fsspec has no types
    """Close `target`, which completes the upload, unless what is written to it broke off."""
    try:
        yield target
    except BaseException:
        with contextlib.suppress(Exception):  # the store may be what has failed
            target.discard()
        target.closed = True  # else the object would be made when the file is collected
        raise
    target.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell what an object store raises as one of our errors: their libraries agree on none."""
    try:
        yield
    except FileNotFoundError as error:
        if _code(error) == "NoSuchBucket":
            raise _no_bucket() from error
        raise NotFound("no such blob") from error
    except Exception as error:  # the clients of object stores raise classes of their own
        raise _failure(error) from error


def _failure(error: Exception) -> StorageFailed:
    """What the caller is told: the code of the store's answer, never its text, nor names of hosts and keys."""
    if isinstance(error, OSError) and isinstance(full := storage_error(error), StorageFull):
        return full  # the disk that temporary copies lie on
    code = _code(error)
    if isinstance(error, PermissionError):
        why = f" ({code})" if code else ""
        return StorageFailed(
            f"the object store refuses access{why}; see the rights of the server's key", retry_after=60
        )
    return StorageFailed(f"the object store failed ({code or type(error).__name__})", retry_after=10)


def _no_bucket() -> StorageFailed:
    return StorageFailed("the object store has no such bucket; see TINGSHUO_BLOB_URL", retry_after=60)


def _code(error: BaseException | None) -> str | None:
    """The code in the store's answer, such as `NoSuchBucket`; None where there was no answer.

    botocore keeps it in `response`; s3fs raises Python's own errors from those of botocore.
    """
    while error is not None:
        answer = getattr(error, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code", "")) or None
        error = error.__cause__
    return None
