"""Who gets into an engine, in which order, and what those are told who do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tingshuo.cancellation import Cancellation
from tingshuo.errors import DeadlineExceeded, EngineBusy, RequestCancelled
from tingshuo.scheduling import FIRST_GUESS, PATIENCE, Gate


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Callers:
    """Threads that enter a gate one after another; `order` has the names of those let in, `leave` lets one go."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.order = gate, list[str]()
        self._leave: dict[str, threading.Event] = {}

    def add(self, name: str, *, long: bool = False) -> None:
        before = self.gate.running + self.gate.waiting
        self._leave[name] = threading.Event()
        threading.Thread(target=self._call, args=(name, long), daemon=True).start()
        until(lambda: self.gate.running + self.gate.waiting > before)
        until(lambda: len(self.order) == self.gate.running + self.left)

    @property
    def left(self) -> int:
        return sum(event.is_set() for event in self._leave.values())

    def leave(self, name: str) -> None:
        running_or_waiting = self.gate.running + self.gate.waiting
        self._leave[name].set()
        until(lambda: self.gate.running + self.gate.waiting < running_or_waiting)
        until(lambda: len(self.order) == self.gate.running + self.left)

    def _call(self, name: str, long: bool) -> None:
        place = self.gate.enter(long=long, cancellation=None)
        self.order.append(name)
        self._leave[name].wait(30)  # those whom the test does not let go leave long after it
        self.gate.leave(place)


def gate(lanes: int = 1, *, express: bool = False, room: int = 32) -> Gate:
    return Gate("ears", lanes=lanes, express=express, room=room)


def test_a_short_call_goes_past_long_ones_through_the_express_lane_one_at_a_time() -> None:
    callers = Callers(gate(2, express=True))
    for name in ("hour 1", "hour 2", "hour 3"):
        callers.add(name, long=True)
    callers.add("short 1")
    callers.add("short 2")
    assert callers.order == ["hour 1", "hour 2", "short 1"]
    callers.leave("short 1")
    assert callers.order[3:] == ["short 2"]
    callers.leave("hour 1")
    assert callers.order[4:] == []  # two are in work, for there are two lanes
    callers.leave("short 2")
    assert callers.order[4:] == ["hour 3"]


def test_an_engine_that_threads_cannot_share_has_no_express_lane() -> None:
    callers = Callers(gate())
    callers.add("hour", long=True)
    callers.add("short")
    assert callers.order == ["hour"]


def test_a_waiting_long_call_is_passed_only_so_often() -> None:
    callers = Callers(gate())
    callers.add("first")
    callers.add("long", long=True)
    names = [f"short {index}" for index in range(PATIENCE + 2)]
    for name in names:
        callers.add(name)
    while len(callers.order) < 8:
        callers.leave(callers.order[-1])
    assert callers.order == ["first", *names[:PATIENCE], "long", *names[PATIENCE:]]


def test_calls_of_a_kind_keep_their_order() -> None:
    callers = Callers(gate())
    names = [f"call {index}" for index in range(5)]
    for name in names:
        callers.add(name)
    for name in names:
        callers.leave(name)
    assert callers.order == names


def test_a_refused_call_is_told_to_wait_as_long_as_the_calls_inside_will_take() -> None:
    now = 100.0
    full = Gate("ears", lanes=2, express=False, room=4, clock=lambda: now)
    places = [full.enter(long=False, cancellation=None) for _ in range(2)]
    queue = [threading.Thread(target=full.enter, kwargs={"long": False, "cancellation": None}) for _ in range(2)]
    for thread in queue:
        thread.daemon = True
        thread.start()
    until(lambda: full.waiting == 2)
    with pytest.raises(EngineBusy, match="ears has 2 requests in work and 2 waiting") as refused:
        full.enter(long=False, cancellation=None)
    assert refused.value.retry_after == FIRST_GUESS
    now += 12.0
    full.leave(places[0])
    full.leave(places[1])
    until(lambda: full.running == 2)
    for _ in range(2):
        threading.Thread(target=full.enter, kwargs={"long": False, "cancellation": None}, daemon=True).start()
    until(lambda: full.waiting == 2)
    with pytest.raises(EngineBusy) as refused:
        full.enter(long=False, cancellation=None)
    assert refused.value.retry_after == 24  # 12 s a call, four calls, two at a time


def test_one_who_went_away_leaves_the_queue_at_once() -> None:
    one = gate(room=2)
    place = one.enter(long=False, cancellation=None)
    token = Cancellation()
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(RequestCancelled, match="still waiting for ears"):
        one.enter(long=False, cancellation=token)
    assert (one.running, one.waiting) == (1, 0)
    one.leave(place)
    assert one.running == 0


def test_a_deadline_ends_the_wait_and_says_when_to_come_back() -> None:
    one = gate()
    one.enter(long=False, cancellation=None)
    with pytest.raises(DeadlineExceeded, match=r"not done within 0.05 s; it was still waiting for ears") as late:
        one.enter(long=False, cancellation=Cancellation(0.05))
    assert late.value.retry_after == FIRST_GUESS
    assert one.waiting == 0
