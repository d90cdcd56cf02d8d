"""Requests that nobody waits for any more: cancelled, too late, or read more slowly than they are made."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from engine_calls import OPTIONS, spoken, until

from tingshuo import Audio, Settings, TranscribeOptions, Transcript, Utterance, cancellation
from tingshuo.cancellation import Cancellation, within
from tingshuo.errors import DeadlineExceeded, EngineBusy, EngineFailed, RequestCancelled
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of
from tingshuo.types import Segment

HELLO = Utterance("你好", "")


class Held(ToneRecognizer):
    """Works until the gate opens; asks between two looks whether it is still wanted, if it is `polite`."""

    name = "held"

    def __init__(self, *, polite: bool = False) -> None:
        self.entered, self.gate, self.polite = threading.Event(), threading.Event(), polite
        self.ended = ""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.entered.set()
        most = time.monotonic() + 60  # a test that fails must not keep the process from ending
        while not self.gate.wait(0.005) and time.monotonic() < most:
            if self.polite:
                try:
                    cancellation.check()
                except (RequestCancelled, DeadlineExceeded) as error:
                    self.ended = type(error).__name__
                    raise
        return super().transcribe(audio, options)


class Endless(ToneSynthesizer):
    """Speaks on and on; `said` counts the pieces, `closed` tells that it was made to stop."""

    name = "endless"

    def __init__(self) -> None:
        super().__init__()
        self.said, self.closed = 0, threading.Event()

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        try:
            while True:
                self.said += 1
                yield Audio(np.full(160, self.said, np.float32), self.sample_rate)
        finally:
            self.closed.set()


def test_a_deadline_ends_the_wait_for_a_call_in_work_and_the_engine_stays_taken_until_it_is_over() -> None:
    held = Held()
    engines = engines_of(held, settings=Settings(engine_queue=1))
    with pytest.raises(DeadlineExceeded, match=r"not done within 0\.4 s; held was still working on it") as late:
        engines.transcribe(spoken(), OPTIONS, cancellation=Cancellation(0.4))
    assert late.value.retry_after is None
    with pytest.raises(EngineBusy):
        engines.transcribe(spoken(), OPTIONS)
    held.gate.set()
    until(lambda: engines.status()[0].running == 0)
    assert engines.transcribe(spoken(), OPTIONS).text == "你好"


def test_a_client_that_went_away_is_waited_for_no_longer() -> None:
    held, token = Held(), Cancellation()
    engines = engines_of(held)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(engines.transcribe, spoken(), OPTIONS, cancellation=token)
        assert held.entered.wait(20)
        token.cancel()
        with pytest.raises(RequestCancelled):
            call.result(20)
        held.gate.set()


@pytest.mark.parametrize(("seconds", "name"), [(0.4, "DeadlineExceeded"), (None, "RequestCancelled")])
def test_an_engine_that_asks_stops_between_two_steps(seconds: float | None, name: str) -> None:
    held, token = Held(polite=True), Cancellation(seconds)
    engines = engines_of(held)
    if seconds is None:
        threading.Timer(0.05, token.cancel).start()
    with pytest.raises((DeadlineExceeded, RequestCancelled)):
        engines.transcribe(spoken(), OPTIONS, cancellation=token)
    until(lambda: engines.status()[0].running == 0)
    assert held.ended == name


def test_the_token_of_the_context_reaches_the_engine_of_a_caller_who_passes_none() -> None:
    engines = engines_of(Held(polite=True))
    with within(Cancellation(0.05)), pytest.raises(DeadlineExceeded):
        engines.transcribe(spoken(), OPTIONS)


def test_a_token_that_is_not_used_changes_nothing() -> None:
    engines = engines_of()
    token = Cancellation(60)
    audio = engines.synthesize(HELLO, cancellation=token)
    assert engines.transcribe(audio, OPTIONS, cancellation=token).text == "你好"
    pieces = list(engines.synthesize_stream(HELLO, cancellation=token))
    np.testing.assert_array_equal(np.concatenate([piece.samples for piece in pieces]), audio.samples)


@pytest.mark.parametrize("token", [None, Cancellation()])
def test_segments_come_one_by_one_and_the_transcript_at_the_end(token: Cancellation | None) -> None:
    whole: list[Transcript] = []

    def collect() -> Generator[Segment, None, None]:
        whole.append((yield from engines_of().transcribe_stream(spoken(), OPTIONS, cancellation=token)))

    found = list(collect())
    assert [segment.text for segment in found] == ["你好"]
    assert [transcript.segments for transcript in whole] == [tuple(found)]


def test_a_cancelled_stream_stops_the_engine_at_the_next_piece() -> None:
    endless, token = Endless(), Cancellation()
    stream = engines_of(endless).synthesize_stream(HELLO, cancellation=token)
    next(stream)
    token.cancel()
    with pytest.raises(RequestCancelled):
        list(stream)
    assert endless.closed.wait(20)


@pytest.mark.parametrize("token", [None, Cancellation()])
def test_a_closed_stream_stops_the_engine_and_frees_it(token: Cancellation | None) -> None:
    endless = Endless()
    engines = engines_of(endless)
    stream = engines.synthesize_stream(HELLO, cancellation=token)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert endless.closed.wait(20)
    until(lambda: engines.status()[0].running == 0)


def test_a_slow_reader_does_not_hold_the_engine() -> None:
    engines = engines_of()
    stream = engines.synthesize_stream(HELLO, cancellation=Cancellation())
    first = next(stream)
    until(lambda: [row.running for row in engines.status()] == [0, 0])
    whole = engines.synthesize(HELLO)
    np.testing.assert_array_equal(np.concatenate([first.samples, *[piece.samples for piece in stream]]), whole.samples)


def test_pieces_that_were_ready_in_time_can_be_read_after_the_deadline() -> None:
    engines = engines_of()
    stream = engines.synthesize_stream(HELLO, cancellation=Cancellation(4.0))
    first = next(stream)
    time.sleep(4.05)
    assert first.duration + sum(piece.duration for piece in stream) == engines.synthesize(HELLO).duration


def test_a_stream_that_is_far_ahead_waits_for_its_reader_until_the_deadline() -> None:
    endless = Endless()
    stream = engines_of(endless).synthesize_stream(HELLO, cancellation=Cancellation(1.0))
    values: list[float] = []

    def read() -> None:
        for piece in stream:
            values.append(float(piece.samples[0]))
            time.sleep(0.01)

    with pytest.raises(DeadlineExceeded):
        read()
    assert values == [float(value + 1) for value in range(len(values))]
    assert endless.said < 1000


def test_what_an_engine_raises_in_a_stream_comes_after_the_pieces_before_it() -> None:
    class Torn(ToneSynthesizer):
        name = "torn"

        def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
            yield Audio(np.zeros(160, np.float32), self.sample_rate)
            raise ZeroDivisionError("at line 7")

    stream = engines_of(Torn()).synthesize_stream(HELLO, cancellation=Cancellation())
    next(stream)
    with pytest.raises(EngineFailed, match="ZeroDivisionError"):
        next(stream)


def test_a_token_told_twice_calls_its_watchers_once_and_late_watchers_at_once() -> None:
    token, calls = Cancellation(), list[str]()
    with token.watched(lambda: calls.append("early")):
        token.cancel()
        token.cancel()
    with token.watched(lambda: calls.append("late")):
        pass
    assert calls == ["early", "late"]
    assert token.over
    assert not Cancellation(60).over
