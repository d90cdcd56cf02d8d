"""What is left of the time that an ending process has."""

from __future__ import annotations

from tingshuo.drain import Drain


def test_time_runs_from_the_moment_the_end_is_asked_for() -> None:
    drain = Drain()
    assert (drain.begun, drain.left(30)) == (False, 30)
    drain.begin()
    first = drain.left(30)
    drain.begin()  # asked again: no new time
    assert drain.begun
    assert 0 < drain.left(30) <= first <= 30
    assert drain.left(0) == 0
    drain.reset()
    assert (drain.begun, drain.left(30)) == (False, 30)
