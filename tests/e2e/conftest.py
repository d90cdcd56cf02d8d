"""One server for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served") / "data") as started:
        yield started
