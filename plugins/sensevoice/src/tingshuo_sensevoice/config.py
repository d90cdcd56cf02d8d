"""The plugin's settings: TINGSHUO_SENSEVOICE_*."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, cast, get_args

from tingshuo import ConfigurationError, Settings

ENGINE = "sensevoice"
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")

Precision: TypeAlias = Literal["fp32", "bf16"]
Batching: TypeAlias = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class Config:
    """What can be set.

    model, vad_model: `auto`, `starter`, a folder or a hub id. device: cpu, cuda or cuda:N. threads: of torch's CPU
    pool, a value of the whole process; 0 means 1 for a small network and leaves it alone for a large one.
    precision: fp32 gives FunASR's own results, bf16 is about twice as fast on a CPU with AVX512-BF16 or AMX and is to
    be checked with the weights in use. batching: several segments in one forward pass; auto means on a GPU only,
    since it was measured not to pay on a CPU.
    """

    model: str = "auto"
    vad_model: str = "auto"
    device: str = "cpu"
    threads: int = 0
    precision: Precision = "fp32"
    batching: Batching = "auto"

    @property
    def batched(self) -> bool:
        """Whether segments share forward passes."""
        return self.batching == "on" or (self.batching == "auto" and self.device != "cpu")


def read_config(settings: Settings) -> Config:
    """The settings of this plugin; raises `ConfigurationError` naming the variable that is wrong."""
    values = settings.for_engine(ENGINE, [field.name for field in fields(Config)])
    device = values.get("device", "cpu")
    if not _DEVICE.fullmatch(device):
        raise ConfigurationError(f"{_variable('device')}={device!r}; it must be cpu, cuda or cuda:N")
    return Config(
        model=values.get("model", "auto"),
        vad_model=values.get("vad_model", "auto"),
        device=device,
        threads=_threads(values.get("threads", "0")),
        precision=cast(Precision, _one_of(get_args(Precision), "precision", values.get("precision", "fp32"))),
        batching=cast(Batching, _one_of(get_args(Batching), "batching", values.get("batching", "auto"))),
    )


def _variable(key: str) -> str:
    return f"TINGSHUO_{ENGINE.upper()}_{key.upper()}"


def _threads(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 1024:
        raise ConfigurationError(f"{_variable('threads')}={value!r}; it must be a number from 0 to 1024")
    return int(value)


def _one_of(allowed: tuple[str, ...], key: str, value: str) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{_variable(key)}={value!r}; it must be one of: {', '.join(allowed)}")
    return value
