"""Tingshuo: an on-premise speech platform. This is the front door: all that a plugin author imports."""

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
