"""The plugin's settings: TINGSHUO_SAMBERT_HIFIGAN_*."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from tingshuo import ConfigurationError, Settings

ENGINE = "sambert_hifigan"
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Config:
    """What can be set.

    model: `auto`, `starter`, a folder or a hub id. device: cpu, cuda or cuda:N. threads: of torch's CPU pool, a value
    of the whole process; 0 leaves it alone. lexicon: a file of own readings, a word, a tab and its pinyin a line.
    """

    model: str = "auto"
    device: str = "cpu"
    threads: int = 0
    lexicon: str = ""


def read_config(settings: Settings) -> Config:
    """The settings of this plugin; raises `ConfigurationError` naming the variable that is wrong."""
    values = settings.for_engine(ENGINE)
    known = [field.name for field in fields(Config)]
    for key in values:
        if key not in known:
            valid = ", ".join(_variable(name) for name in known)
            raise ConfigurationError(f"there is no setting {_variable(key)}; there are: {valid}")
    device, threads = values.get("device", "cpu"), values.get("threads", "0")
    if not _DEVICE.fullmatch(device):
        raise ConfigurationError(f"{_variable('device')}={device!r}; it must be cpu, cuda or cuda:N")
    if not threads.isascii() or not threads.isdigit() or int(threads) > 1024:
        raise ConfigurationError(f"{_variable('threads')}={threads!r}; it must be a number from 0 to 1024")
    return Config(values.get("model", "auto"), device, int(threads), values.get("lexicon", ""))


def _variable(key: str) -> str:
    return f"TINGSHUO_{ENGINE.upper()}_{key.upper()}"
