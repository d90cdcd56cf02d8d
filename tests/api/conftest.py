"""The API over the tone engines, called in this process or on a real socket."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from fastapi import FastAPI
from live_server import Listen, Live, listening
from starlette.testclient import TestClient

from tingshuo import auth
from tingshuo.api import create_app
from tingshuo.audio import encode
from tingshuo.engine import Engine
from tingshuo.settings import Settings, load_settings
from tingshuo.testing import ToneSynthesizer, engines_of
from tingshuo.types import Audio, Emotion, Utterance

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Wav: TypeAlias = Callable[..., bytes]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start the API: `serve(engine, …, setting=value, …)`; the tone engines where none is given."""
    with ExitStack() as stack:

        def start(*engines: Engine, **changes: object) -> TestClient:
            settings = load_settings(data_dir=tmp_path / "data", **changes)
            app = create_app(settings, engines_of(*engines, settings=settings))
            client = TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50_000))
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    """The API with the default settings, and an admin key in every request."""
    started = serve()
    started.headers.update(_header(started, "admin"))
    return started


@pytest.fixture
def key() -> Key:
    """The header of a new key: `key(client, "speak")`."""
    return _header


def _header(client: TestClient, *scopes: str) -> dict[str, str]:
    settings = settings_of(client)
    name = f"key {len(auth.list_keys(settings))}"
    return {"Authorization": f"Bearer {auth.create_key(settings, name, scopes)[1]}"}


def settings_of(client: TestClient) -> Settings:
    """The settings that the application behind a client runs with."""
    app = client.app
    assert isinstance(app, FastAPI)
    settings: Settings = app.state.services.settings
    return settings


@pytest.fixture(scope="session")
def speech() -> bytes:
    """A wav file in which the tone recognizer hears 今天真高兴, happy."""
    return encode(ToneSynthesizer().synthesize(Utterance("今天真高兴", "high", Emotion.HAPPY)), "wav")


@pytest.fixture(scope="session")
def wav() -> Wav:
    """Make a 16-bit wav file: `wav([samples in [-1, 1], …one list a channel], sample_rate)`."""
    return _wav


def _wav(channels: Sequence[Sequence[float]], sample_rate: int = 16_000) -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((np.asarray(channels).T * 32767).astype("<i2").tobytes())
    return sink.getvalue()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server over the tone engines."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("live"), max_upload_bytes=2_000_000)
    with listening(settings) as started:
        yield started


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    """Start a server on a socket: `listen(engine, …, setting=value, …)`; the tone engines where none is given."""
    with ExitStack() as stack:

        def start(*engines: Engine, **changes: object) -> Live:
            settings = load_settings(data_dir=tmp_path / "data", **changes)
            return stack.enter_context(listening(settings, *engines))

        yield start


class Paced(ToneSynthesizer):
    """Speaks half a second of sound each time it is let on."""

    name = "paced"

    def __init__(self, pieces: int = 8, fails_at: int = -1) -> None:
        super().__init__()
        self.pieces, self.fails_at = pieces, fails_at
        self.entered, self.left = threading.Event(), threading.Event()
        self.go_on = threading.Semaphore(0)

    def let_on(self, pieces: int) -> None:
        """Let it speak so many pieces."""
        self.go_on.release(pieces)

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        self.entered.set()
        self.left.clear()
        try:
            for number in range(self.pieces):
                assert self.go_on.acquire(timeout=30)
                if number == self.fails_at:
                    raise ZeroDivisionError("the weights are gone")
                noise = np.random.default_rng(number).normal(0, 0.1, 8_000).astype(np.float32)
                yield Audio(noise, 16_000)
        finally:
            self.left.set()


@pytest.fixture
def paced() -> type[Paced]:
    """The engine that speaks when it is let on."""
    return Paced
