"""The plugin's settings: TINGSHUO_SAMBERT_HIFIGAN_*."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from tingshuo import ConfigurationError, Settings

ENGINE = "sambert_hifigan"
#: Of the setting `precision`, by torch's name.
PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Config:
    """What can be set.

    model: `auto`, `starter`, a folder or a hub id. device: cpu, cuda or cuda:N. threads: of torch's CPU pool, a value
    of the whole process; 0 leaves it alone. lexicon: a file of own readings, a word, a tab and its pinyin a line.
    user_lexicon: such a file that the API and `tingshuo lexicon` write; without one `lexicon.tsv` in the data folder.
    precision: of the vocoder. fp32 gives KAN-TTS's own samples; bf16 and, on CUDA, fp16 are used where a trial at
    loading finds them faster and at least 40 dB above their error.
    """

    model: str = "auto"
    device: str = "cpu"
    threads: int = 0
    lexicon: str = ""
    precision: str = "fp32"
    user_lexicon: str = ""


def read_config(settings: Settings) -> Config:
    """The settings of this plugin; raises `ConfigurationError` naming the variable that is wrong."""
    values = settings.for_engine(ENGINE, [field.name for field in fields(Config)])
    device, threads = values.get("device", "cpu"), values.get("threads", "0")
    if not _DEVICE.fullmatch(device):
        raise ConfigurationError(f"{_variable('device')}={device!r}; it must be cpu, cuda or cuda:N")
    if not threads.isascii() or not threads.isdigit() or int(threads) > 1024:
        raise ConfigurationError(f"{_variable('threads')}={threads!r}; it must be a number from 0 to 1024")
    precision = values.get("precision", "fp32")
    if precision not in PRECISIONS or (precision == "fp16" and device == "cpu"):
        raise ConfigurationError(f"{_variable('precision')}={precision!r}; it must be fp32, bf16 or, on CUDA, fp16")
    return Config(
        values.get("model", "auto"),
        device,
        int(threads),
        values.get("lexicon", ""),
        precision,
        user_lexicon=values.get("user_lexicon", ""),
    )


def _variable(key: str) -> str:
    return f"TINGSHUO_{ENGINE.upper()}_{key.upper()}"
