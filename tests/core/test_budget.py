"""The memory of all uploads together is bounded, and comes back with the samples."""

from __future__ import annotations

import gc
import io
from dataclasses import replace

import numpy as np
import pytest

from tingshuo import Audio, Settings
from tingshuo.audio import Limits, encode, read_audio
from tingshuo.budget import RETRY_AFTER, Budget
from tingshuo.errors import InvalidAudio, LimitExceeded, ServerBusy

SECONDS = 60
BYTES = SECONDS * 16_000 * 4
LIMITS = Limits(upload_bytes=10**8, seconds=600, decoded_bytes=10**9)


def minute() -> io.BytesIO:
    noise = np.random.default_rng(0).normal(0, 0.1, SECONDS * 16_000).clip(-1, 1).astype(np.float32)
    return io.BytesIO(encode(Audio(noise, 16_000), "wav"))


def test_uploads_beyond_the_budget_are_told_to_come_back_and_find_room_when_others_are_done() -> None:
    budget = Budget(3 * BYTES)
    limits = replace(LIMITS, shared=budget)
    [(_, first)] = read_audio(minute(), limits)
    assert budget.taken == BYTES
    [(_, second)] = read_audio(minute(), limits)  # while it is joined it is there twice
    with pytest.raises(ServerBusy, match=f"of {budget.limit} bytes; try again soon") as busy:
        read_audio(minute(), limits)
    assert (busy.value.status, busy.value.code, busy.value.retry_after) == (503, "server_busy", RETRY_AFTER)
    assert budget.taken == 2 * BYTES
    kept = second.samples[: len(first.samples) // 2]  # a part keeps the whole
    del first, second, busy
    gc.collect()
    assert budget.taken == BYTES
    assert len(read_audio(minute(), limits)) == 1
    del kept
    gc.collect()
    assert budget.taken == 0


def test_an_upload_that_would_never_fit_is_refused_for_good() -> None:
    budget = Budget(BYTES // 2)
    with pytest.raises(LimitExceeded, match=f"exceeds {BYTES // 4} bytes"):
        read_audio(minute(), replace(LIMITS, shared=budget))
    assert budget.taken == 0


def test_a_file_that_cannot_be_decoded_leaves_nothing_taken() -> None:
    budget = Budget(3 * BYTES)
    with pytest.raises(InvalidAudio):
        read_audio(io.BytesIO(b"RIFF\x00\x00\x00\x00WAVEfmt nonsense"), replace(LIMITS, shared=budget))
    assert budget.taken == 0


def test_all_uploads_of_a_process_share_one_budget() -> None:
    settings = Settings(max_decoded_bytes_total=12_345_678)
    assert Limits.of(settings).shared is Limits.of(settings).shared
    assert Limits.of(settings).shared is not Limits.of(Settings()).shared
