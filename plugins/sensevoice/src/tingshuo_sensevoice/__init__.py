"""SenseVoiceSmall for Tingshuo: text, language, emotion and sound events in one pass, through FunASR's own classes."""

from __future__ import annotations

from collections.abc import Iterable

from tingshuo import Engine, Settings, hookimpl

__version__ = "0.1.0"
__all__ = ["register_engines"]


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    """The `sensevoice` recognizer. Imports no torch; raises `ConfigurationError` for a wrong setting."""
    from tingshuo_sensevoice.engine import SenseVoice

    return [SenseVoice(settings)]
