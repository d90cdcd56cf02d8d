"""How far a queued transcription is, while the recogniser works: polled, as events, and in a batch."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx2
import pytest
from live_server import Listen

from tingshuo import progress
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, TranscribeOptions, Transcript

PATIENCE = 60
Wav: TypeAlias = Callable[..., bytes]


class Halfway(ToneRecognizer):
    """Has heard half of it until it is let on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        deadline = time.monotonic() + PATIENCE
        while not self.go_on.wait(0.05) and time.monotonic() < deadline:
            progress.report(0.5)
        return super().transcribe(audio, options)


@pytest.fixture
def ears() -> Iterator[Halfway]:
    """The recogniser, let on in the end whatever happens."""
    made = Halfway()
    yield made
    made.go_on.set()


@pytest.fixture
def client(listen: Listen, ears: Halfway) -> Iterator[httpx2.Client]:
    """An admin's client of a server with that recogniser."""
    with listen(ears, ToneSynthesizer()).client() as made:
        yield made
        ears.go_on.set()


def _queued(client: httpx2.Client, recording: bytes, **fields: str) -> str:
    reply = client.post("/v1/jobs", data={"kind": "transcription", **fields}, files={"file": ("a.wav", recording)})
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


def _until(client: httpx2.Client, path: str, so: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        told = client.get(path).json()
        if so(told):
            return told
        time.sleep(0.05)
    raise AssertionError(f"{path} stays {told}")


def test_a_transcription_says_how_much_of_the_sound_it_has_heard(
    client: httpx2.Client, ears: Halfway, speech: bytes
) -> None:
    job = _queued(client, speech)
    told = _until(client, f"/v1/jobs/{job}", lambda told: told["progress"] > 0)
    assert (told["status"], told["progress"]) == ("running", 0.5)
    ears.go_on.set()
    assert _until(client, f"/v1/jobs/{job}", lambda told: told["status"] != "running")["progress"] == 1.0


def test_the_first_side_of_a_call_is_half_of_it(client: httpx2.Client, wav: Wav) -> None:
    job = _queued(client, wav([[0.1, -0.1] * 8_000, [0.2, -0.2] * 8_000]), channel="split")
    assert _until(client, f"/v1/jobs/{job}", lambda told: told["progress"] > 0)["progress"] == 0.25


def test_progress_is_an_event(client: httpx2.Client, ears: Halfway, speech: bytes) -> None:
    job, seen = _queued(client, speech), []
    with client.stream("GET", f"/v1/jobs/{job}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["progress"])
                if seen[-1] == 0.5:
                    ears.go_on.set()
    assert seen[-2:] == [0.5, 1.0]


def test_a_batch_counts_what_its_running_jobs_have_done(client: httpx2.Client, ears: Halfway, speech: bytes) -> None:
    files = [("files[]", ("a.wav", speech)), ("files[]", ("b.wav", speech))]
    batch = client.post("/v1/batches", files=files).json()["id"]
    # One recogniser, one lane: of two jobs one is half done.
    told = _until(client, f"/v1/batches/{batch}", lambda told: told["progress"] > 0)
    assert told["progress"] == 0.25
    assert told["counts"]["succeeded"] == 0
    ears.go_on.set()
    assert _until(client, f"/v1/batches/{batch}", lambda told: told["counts"]["succeeded"] == 2)["progress"] == 1.0
