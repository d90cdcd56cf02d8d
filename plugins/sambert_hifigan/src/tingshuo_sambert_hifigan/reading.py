"""The front end that reads texts now: with the operator's lexicon file and the readings that callers set."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tingshuo.errors import EngineUnavailable
from tingshuo.settings import Settings
from tingshuo_sambert_hifigan.config import Config

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.frontend import FrontEnd
    from tingshuo_sambert_hifigan.user_lexicon import Stamp, UserLexicon


def lexicon_path(settings: Settings, config: Config) -> Path:
    """Where the readings that callers set are kept."""
    return Path(config.user_lexicon) if config.user_lexicon else settings.data_dir / "lexicon.tsv"


class Reader:
    """Gives the front end, made anew after each change of the readings. Thread-safe."""

    def __init__(self, settings: Settings, config: Config) -> None:
        self._lexicon, self._path = config.lexicon, lexicon_path(settings, config)
        self._lock = threading.Lock()
        self._user: UserLexicon | None = None
        self._operators: dict[str, str] = {}
        self._stamp: Stamp = None
        self._front_end: FrontEnd | None = None

    def front_end(self) -> FrontEnd:
        """The front end with the readings of this moment. Raises `EngineUnavailable` and `ConfigurationError`."""
        with self._lock:
            user = self._user or self._opened()
            stamp = user.stamp()
            if self._front_end is None or stamp != self._stamp:
                from tingshuo_sambert_hifigan.frontend import FrontEnd

                # Of two readings that of a caller wins: it is the newer one.
                self._front_end = FrontEnd({**self._operators, **user.entries()})
                self._stamp = stamp
            return self._front_end

    def close(self) -> None:
        """Forget the dictionaries and the operator's file."""
        with self._lock:
            self._user = self._front_end = None

    def _opened(self) -> UserLexicon:
        try:
            # The dictionaries are read here, not when the program starts.
            from tingshuo_sambert_hifigan.frontend.lexicon import read_lexicon
            from tingshuo_sambert_hifigan.user_lexicon import UserLexicon
        except ImportError as error:
            raise EngineUnavailable(f"the Chinese front end cannot be used: {error}", param="model") from error
        self._operators = read_lexicon(Path(self._lexicon)) if self._lexicon else {}
        self._user = UserLexicon(self._path)
        return self._user
