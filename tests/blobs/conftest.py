"""An S3 server for the tests of this folder, and sites whose blobs lie there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from job_fixtures import broker, closing, make_site
from s3_server import KEY, S3, SECRET

__all__ = ["broker", "closing", "make_site"]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A server, and the environment that docs/deployment.md describes."""
    with contextlib.closing(S3()) as server:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        yield server
