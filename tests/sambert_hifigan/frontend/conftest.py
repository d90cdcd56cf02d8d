from __future__ import annotations

import pytest

from tingshuo_sambert_hifigan.frontend import FrontEnd


@pytest.fixture(scope="session")
def front_end() -> FrontEnd:
    return FrontEnd()
