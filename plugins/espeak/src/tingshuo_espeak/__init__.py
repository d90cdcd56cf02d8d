# SPDX-License-Identifier: GPL-3.0-or-later
"""eSpeak NG for Tingshuo: small, quick, offline voices that speak with emotion. This module is the entry point."""

from collections.abc import Iterable

from tingshuo import Engine, Settings, hookimpl

from .engine import EspeakSynthesizer


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    """The one engine of this plugin."""
    return [EspeakSynthesizer()]
