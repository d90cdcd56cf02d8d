"""How far a call is, told through the context."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tingshuo import progress


@pytest.fixture
def told() -> Iterator[list[float]]:
    """What a listener hears."""
    heard: list[float] = []
    with progress.within(heard.append):
        yield heard


def test_what_is_reported_reaches_the_listener_within_bounds(told: list[float]) -> None:
    for fraction in (0.0, 0.25, 1.0, 1.5, -1.0):
        progress.report(fraction)
    assert told == [0.0, 0.25, 1.0, 1.0, 0.0]


def test_parts_make_up_the_whole(told: list[float]) -> None:
    for number in range(2):
        with progress.part(number, 2):
            for fraction in (0.5, 1.0):
                progress.report(fraction)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_without_a_listener_nothing_happens(told: list[float]) -> None:
    with progress.within(None):
        progress.report(0.5)
        with progress.part(0, 2):
            progress.report(0.5)
    assert told == []
