"""Engines that crash, hang and are given up: the request in hand is lost, the platform and the next one are not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tingshuo import Utterance
from tingshuo.breaker import CRASHES, LONGEST_PAUSE, PAUSE, WITHIN, Breaker
from tingshuo.cancellation import Cancellation
from tingshuo.engines import Engines, EngineStatus
from tingshuo.errors import DeadlineExceeded, EngineCrashed, EngineUnavailable, RequestCancelled
from tingshuo.isolation import Isolated


def row(engines: Engines, name: str = "wild") -> EngineStatus:
    return next(row for row in engines.status() if row.name == name)


def say(engines: Engines, text: str, cancellation: Cancellation | None = None) -> float:
    return engines.synthesize(Utterance(text, ""), "wild", cancellation=cancellation).duration


def process_of(engines: Engines) -> int:
    engine = engines.synthesizer("wild")
    assert isinstance(engine, Isolated)
    return engine.host.start().process_id


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("word", "reason"),
    [("segfault", "ended by SIGSEGV"), ("kill", "as the kernel does when memory runs out"), ("exit", "with status 3")],
)
def test_a_crash_costs_the_request_in_hand_and_no_other(make: Callable[..., Engines], word: str, reason: str) -> None:
    engines = make("wild")
    with pytest.raises(EngineCrashed, match=reason) as crashed:
        say(engines, word, Cancellation(60))
    assert (crashed.value.status, crashed.value.retry_after) == (503, 1)
    assert not row(engines).loaded
    assert engines.synthesize(Utterance("hello", ""), "tones").duration > 0
    assert say(engines, "hello") > 0
    assert row(engines).loaded


def test_a_crash_in_a_stream_comes_after_the_pieces_before_it(make: Callable[..., Engines]) -> None:
    engines = make("wild")
    stream = engines.synthesize_stream(Utterance("segfault", ""), "wild")
    assert next(stream).duration > 0
    with pytest.raises(EngineCrashed):
        next(stream)


def test_a_process_that_ended_between_two_requests_is_replaced(make: Callable[..., Engines]) -> None:
    engines = make("wild")
    engines.load("wild")
    os.kill(process_of(engines), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while row(engines).loaded:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert say(engines, "hello") > 0


def test_an_engine_that_crashes_again_and_again_is_left_alone_for_a_while(make: Callable[..., Engines]) -> None:
    engines = make("wild")
    for _ in range(CRASHES):
        with pytest.raises(EngineCrashed, match="SIGSEGV"):
            say(engines, "segfault")
    with pytest.raises(EngineCrashed, match="the next attempt is in") as left_alone:
        say(engines, "hello")
    assert 0 < (left_alone.value.retry_after or 0) <= PAUSE
    assert (row(engines).state, "crashed again and again" in row(engines).reason) == ("unavailable", True)


def test_an_engine_that_cannot_load_in_its_process_says_why(
    make: Callable[..., Engines], monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = make("wild")
    monkeypatch.setenv("WILD_LOAD", "raise")
    with pytest.raises(EngineUnavailable, match="ZeroDivisionError: at line 7"):
        engines.load("wild")
    monkeypatch.setenv("WILD_LOAD", "exit")
    with pytest.raises(EngineCrashed, match="with status 3"):
        engines.load("wild")
    monkeypatch.delenv("WILD_LOAD")
    assert say(engines, "hello") > 0


def test_an_engine_that_asks_stops_when_its_request_is_given_up_and_its_process_lives_on(
    make: Callable[..., Engines], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tingshuo.engine_process.GRACE", 60.0)  # however busy this machine is
    engines = make("wild")
    before = process_of(engines)
    token = Cancellation()
    threading.Timer(0.1, token.cancel).start()
    with pytest.raises(RequestCancelled):
        say(engines, "polite", token)
    with pytest.raises(DeadlineExceeded):
        say(engines, "polite", Cancellation(0.1))
    assert say(engines, "hello") > 0
    assert process_of(engines) == before


def test_a_closed_stream_stops_in_its_process_too(
    make: Callable[..., Engines], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tingshuo.engine_process.GRACE", 60.0)
    engines = make("wild")
    before = process_of(engines)
    stream = engines.synthesize_stream(Utterance("endless", ""), "wild")
    assert next(stream).duration > 0
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert row(engines).running == 0
    assert process_of(engines) == before


@pytest.mark.parametrize("word", ["hang", "seize"])
def test_a_hung_engine_is_ended_when_its_request_is_given_up(
    make: Callable[..., Engines], monkeypatch: pytest.MonkeyPatch, until: Callable[..., None], word: str
) -> None:
    monkeypatch.setattr("tingshuo.engine_process.GRACE", 0.1)
    engines = make("wild")
    before = process_of(engines)
    with pytest.raises(DeadlineExceeded, match="still working on it"):
        say(engines, word, Cancellation(0.2))
    until(lambda: row(engines).running == 0)
    assert say(engines, "hello") > 0
    until(lambda: gone(before))
    assert process_of(engines) != before


def test_a_call_beside_a_hung_one_is_not_ended_with_it(
    make: Callable[..., Engines], monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    monkeypatch.setattr("tingshuo.engine_process.GRACE", 0.1)
    engines = make("wild")
    before, token = process_of(engines), Cancellation()
    with ThreadPoolExecutor(2) as threads:
        hung = threads.submit(say, engines, "hang", token)
        until(lambda: row(engines).running == 1)
        beside = threads.submit(say, engines, "wait", Cancellation(60))
        until(lambda: row(engines).running == 2)
        token.cancel()
        assert isinstance(hung.exception(60), RequestCancelled)
        assert beside.result(60) > 0
    until(lambda: gone(before))
    assert say(engines, "hello") > 0


PARENT = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from importlib.metadata import EntryPoint
from tingshuo import Settings, Utterance
from tingshuo.engines import Engines
from tingshuo.plugins import load_plugins
settings = Settings(engine_isolation=("wild",))
engines = Engines(settings, load_plugins(settings, [EntryPoint("wild", "wild_engines", "tingshuo")]))
engines.load("wild")
threading.Thread(target=engines.synthesize, args=(Utterance("seize", ""), "wild"), daemon=True).start()
threading.Event().wait(0.5)
print(engines.synthesizer("wild").host.start().process_id, flush=True)
threading.Event().wait()
"""


def test_an_engine_ends_with_a_killed_platform_even_where_it_keeps_the_interpreter(until: Callable[..., None]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    until(lambda: gone(child))


def test_the_breaker_waits_longer_after_each_failed_attempt_and_forgets_after_a_good_one() -> None:
    now = 0.0
    breaker = Breaker("wild", clock=lambda: now)
    for _ in range(CRASHES):  # too far apart to count together
        breaker.crashed()
        now += WITHIN
    breaker.check()
    for _ in range(CRASHES - 1):
        breaker.crashed()
    pause = PAUSE
    while pause < LONGEST_PAUSE:
        with pytest.raises(EngineCrashed) as left_alone:
            breaker.check()
        assert left_alone.value.retry_after == pause
        now += pause
        breaker.check()
        breaker.crashed()
        pause *= 2
    now += LONGEST_PAUSE
    breaker.worked()
    breaker.crashed()
    breaker.check()
