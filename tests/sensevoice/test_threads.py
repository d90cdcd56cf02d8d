"""Several threads share one engine, and a call that nobody waits for ends between two segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tingshuo import Audio, TranscribeOptions
from tingshuo.cancellation import Cancellation, within
from tingshuo.errors import RequestCancelled
from tingshuo.types import Samples
from tingshuo_sensevoice.engine import SenseVoice


def loud(seconds: float, seed: int) -> Samples:
    """Noise, which the detector of these tests takes for speech."""
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)


def test_six_threads_hear_what_one_hears(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clips = [audio(0.3, loud(1.0 + index / 10, index), 1.0, loud(0.9, 50 + index), 0.5) for index in range(12)]
    options = TranscribeOptions(words=True, merge_vad=False)
    alone = [engine.transcribe(clip, options) for clip in clips]
    assert all(transcript.segments for transcript in alone)
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda clip: engine.transcribe(clip, options), clips))
    assert together == alone


def test_the_event_loop_turns_while_the_engine_works(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(*(loud(8.0, seed) for seed in range(6)))

    async def turns() -> int:
        work, count = asyncio.create_task(asyncio.to_thread(engine.transcribe, clip, TranscribeOptions())), 0
        while not work.done():
            await asyncio.sleep(0.001)
            count += 1
        assert work.result().duration == clip.duration
        return count

    # An engine that kept the interpreter to itself would let the loop turn twice: before it and after it.
    assert asyncio.run(turns()) > 20


def test_a_cancelled_call_ends_before_the_next_segment(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    token = Cancellation()
    token.cancel()
    with within(token), pytest.raises(RequestCancelled):
        engine.transcribe(audio(0.3, loud(1.0, 0), 0.5), TranscribeOptions())
