"""Calls of engines, and waiting for what they do in other threads."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tingshuo import Audio, TranscribeOptions, Utterance
from tingshuo.errors import TingshuoError
from tingshuo.testing import ToneSynthesizer

OPTIONS = TranscribeOptions()


def spoken(text: str = "你好", sample_rate: int = 16_000) -> Audio:
    """What the tone engines say and hear."""
    return ToneSynthesizer(sample_rate).synthesize(Utterance(text, "high"))


def refused(call: Callable[[], object], error: type[TingshuoError], param: str) -> str:
    """The message with which `call` is refused because of `param`."""
    with pytest.raises(error) as caught:
        call()
    assert caught.value.param == param
    return caught.value.message


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
