"""Tingshuo: an on-premise speech platform. This is the front door: all that a plugin author imports."""

import os

# NumPy's BLAS starts a thread a core at its first use, whatever torch is told; products as small as ours get slower by
# it, many times so where other work runs. It reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.errors import (
    ConfigurationError,
    EngineFailed,
    InvalidAudio,
    InvalidRequest,
    ModelError,
    TingshuoError,
)
from tingshuo.hookspecs import hookimpl
from tingshuo.settings import Settings
from tingshuo.types import (
    Audio,
    AudioEvent,
    Emotion,
    EventLabel,
    Model,
    Segment,
    TranscribeOptions,
    Transcript,
    Utterance,
    Voice,
    Word,
)

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "AudioEvent",
    "ConfigurationError",
    "Emotion",
    "Engine",
    "EngineFailed",
    "EventLabel",
    "InvalidAudio",
    "InvalidRequest",
    "Model",
    "ModelError",
    "Recognizer",
    "Segment",
    "Settings",
    "Synthesizer",
    "TingshuoError",
    "TranscribeOptions",
    "Transcript",
    "Utterance",
    "Voice",
    "Word",
    "hookimpl",
]
