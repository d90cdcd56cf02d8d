"""What several tests of the core share."""

from __future__ import annotations

import pytest
from histories import new_history

from tingshuo.jobs import History
from tingshuo.settings import Settings


@pytest.fixture
def history(any_database: Settings) -> History:
    """An empty history on each kind of database."""
    return new_history(any_database)
