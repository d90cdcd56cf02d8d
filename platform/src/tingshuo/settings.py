"""Settings from the environment (TINGSHUO_*); the only reader of it.

A variable `TINGSHUO_X_FILE` names a file that holds the value of `TINGSHUO_X`, as container secrets are given.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tingshuo.errors import ConfigurationError

PREFIX = "TINGSHUO_"
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode]
Networks: TypeAlias = Annotated[tuple[Network, ...], NoDecode]


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "tingshuo"


class Settings(BaseSettings):
    """All that can be set. Every field is `TINGSHUO_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    #: Everything the server writes lies below: database, blobs, models, server secret.
    data_dir: Path = Field(default_factory=_default_data_dir)
    #: SQLAlchemy URL; empty means SQLite in `data_dir`.
    database_url: str = ""
    #: Signs keys and links; empty means one made on first start and kept in `data_dir`.
    secret: str = ""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    #: Addresses and networks that may connect; empty means every one.
    allowed_ips: Networks = ()
    #: Proxies whose X-Forwarded-For is believed.
    trusted_proxies: Networks = ()
    #: Whether GET /v1/models, /v1/engines and /v1/audio/voices answer without a key.
    public_lists: bool = False

    #: Plugins to load (entry-point names); empty means every installed one.
    plugins: Names = ()
    blocked_plugins: Names = ()
    #: Engines that answer when the request names none; empty means the first that works.
    default_recognizer: str = ""
    default_synthesizer: str = ""
    #: Requests that may wait for one engine before further ones are refused.
    engine_queue: int = Field(default=32, ge=1)
    #: Load engines when the server starts rather than on the first request.
    preload: bool = False

    max_upload_bytes: int = Field(default=200 * 2**20, ge=1)
    max_audio_seconds: float = Field(default=4 * 3600.0, gt=0)
    #: Decoded float32 samples of one upload, all channels: 4 h of 16 kHz mono are 0.92 GB.
    max_decoded_bytes: int = Field(default=2 * 2**30, ge=1)
    max_text_characters: int = Field(default=10_000, ge=1)

    #: Keep texts (input of speech, transcripts) in the history.
    keep_text: bool = True
    #: Keep audio in the history: none, synthesised output, or uploads as well.
    keep_audio: Literal["none", "output", "all"] = "none"

    @field_validator("plugins", "blocked_plugins", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("allowed_ips", "trusted_proxies", mode="before")
    @classmethod
    def _parse_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]
        if value and not networks:  # "," must not come to mean everybody
            raise ValueError("it holds no address; leave it out to set none")
        return networks

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        object.__setattr__(self, "data_dir", self.data_dir.expanduser().absolute())
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database URL in use."""
        return self.database_url or f"sqlite:///{self.data_dir / 'tingshuo.db'}"

    @property
    def model_store(self) -> Path:
        """Folder that `tingshuo models pull` fills: `<store>/<owner>/<name>/`."""
        return self.data_dir / "models"

    @property
    def modelscope_caches(self) -> tuple[Path, ...]:
        """Where modelscope keeps its downloads, newest layout first."""
        root = Path(os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope")
        return (root / "hub" / "models", root / "models", root / "hub")

    def for_engine(self, name: str) -> Mapping[str, str]:
        """The variables TINGSHUO_<NAME>_*, keys in lower case without the prefix."""
        prefix = f"{PREFIX}{name.upper()}_"
        return {key[len(prefix) :].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}


def _secrets_from_files() -> dict[str, Any]:
    """Values of TINGSHUO_X_FILE variables, for the fields there are."""
    values: dict[str, Any] = {}
    for field in Settings.model_fields:
        path = os.environ.get(f"{PREFIX}{field.upper()}_FILE")
        if path:
            try:
                values[field] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{PREFIX}{field.upper()}_FILE: cannot read {path!r}: {error}") from error
            if not values[field]:
                raise ConfigurationError(f"{PREFIX}{field.upper()}_FILE: {path!r} is empty")
    return values


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - pydantic checks them
    """Settings from the environment; `overrides` win. Raises `ConfigurationError` naming each wrong variable."""
    try:
        return Settings(**{**_secrets_from_files(), **overrides})
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{str(item['loc'][0]).upper() if item['loc'] else '?'}={item.get('input')!r}: {item['msg']}"
            for item in error.errors()
        )
        raise ConfigurationError(f"wrong setting: {wrong}") from error
