"""Settings from the environment (TINGSHUO_*); the only reader of it.

A variable `TINGSHUO_X_FILE` names a file that holds the value of `TINGSHUO_X`, as container secrets are given.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tingshuo.errors import ConfigurationError

PREFIX = "TINGSHUO_"
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode]
Networks: TypeAlias = Annotated[tuple[Network, ...], NoDecode]

#: ::ffff:0:0/96, where IPv6 sockets show IPv4 peers.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _unmapped(network: Network) -> Network:
    """`::ffff:10.0.0.0/104` as `10.0.0.0/8`: addresses are compared in that form."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        low_bits = int(network.network_address) & 0xFFFF_FFFF
        return ipaddress.IPv4Network((low_bits, network.prefixlen - 96))
    return network


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
    #: Requests that one engine works on or keeps waiting before further ones are refused.
    engine_queue: int = Field(default=32, ge=1)
    #: Calls that run at once on an engine that threads may share; 0: one for each processor core.
    engine_concurrency: int = Field(default=0, ge=0, le=64)
    #: Seconds after which a request is given up, waiting included; 0: never.
    request_timeout_s: float = Field(default=0.0, ge=0)
    #: Seconds after which an unused engine is unloaded; 0: never.
    engine_ttl_s: float = Field(default=0.0, ge=0)
    #: Engines that run in a process of their own: `none`, `process` (all of them), or their names.
    engine_isolation: Names = ("none",)
    #: Load engines when the server starts rather than on the first request.
    preload: bool = False
    #: Show the web pages at / where they are installed (`tingshuo serve`).
    webui: bool = True

    max_upload_bytes: int = Field(default=200 * 2**20, ge=1)
    max_audio_seconds: float = Field(default=4 * 3600.0, gt=0)
    #: Decoded float32 samples of one upload, all channels: 4 h of 16 kHz mono are 0.92 GB.
    max_decoded_bytes: int = Field(default=2 * 2**30, ge=1)
    #: The same of all uploads in hand together.
    max_decoded_bytes_total: int = Field(default=4 * 2**30, ge=1)
    max_text_characters: int = Field(default=10_000, ge=1)

    #: Realtime sessions at once in one process, seconds that one may last, seconds after which a turn is cut.
    realtime_sessions: int = Field(default=16, ge=0)
    realtime_session_seconds: float = Field(default=3600.0, gt=0)
    realtime_turn_seconds: float = Field(default=30.0, ge=1, le=300)

    #: Free bytes below which GET /readyz says that the server cannot work.
    min_free_bytes: int = Field(default=512 * 2**20, ge=0)
    #: Seconds after SIGTERM in which requests still come in, while GET /readyz already says 503.
    drain_delay_seconds: float = Field(default=0.0, ge=0)
    #: Seconds that requests in progress then get to end.
    drain_seconds: float = Field(default=30.0, gt=0)

    log_format: Literal["text", "json"] = "text"
    #: Addresses and networks that may read GET /metrics without a key.
    metrics_ips: Networks = ()
    #: Port on `host` where `tingshuo worker` tells its metrics, to whoever reaches it; 0: none.
    metrics_port: int = Field(default=0, ge=0, le=65535)
    #: Send OpenTelemetry traces as the OTEL_* variables say.
    tracing: bool = False
    #: Refuse `tingshuo models pull`: this machine must not reach out.
    offline: bool = False

    #: What hands queued jobs to workers: threads over the job table, or Celery on RabbitMQ.
    queue: Literal["local", "celery"] = "local"
    #: AMQP URL of RabbitMQ, for queue=celery.
    broker_url: str = "amqp://guest:guest@127.0.0.1:5672//"
    #: Begins the names of the broker's queues, for installations that share one.
    broker_prefix: str = "tingshuo"
    #: Queued jobs that `tingshuo serve` itself works on at once (queue=local); 0 leaves them to `tingshuo worker`.
    job_threads: int = Field(default=1, ge=0, le=64)
    #: Engines whose jobs go to the queue `gpu`; all others go to `cpu`.
    gpu_engines: Names = ()
    #: Seconds after which a job whose process gives no sign of life is taken from it.
    lease_seconds: float = Field(default=60.0, gt=0)
    #: Times a job is tried where the request does not say.
    job_attempts: int = Field(default=3, ge=1, le=10)
    #: Seconds before the second attempt; each further one waits twice as long, at most ten minutes.
    retry_seconds: float = Field(default=5.0, ge=0)
    #: Queued jobs beyond which further ones are refused.
    max_queued_jobs: int = Field(default=20_000, ge=1)
    max_batch_files: int = Field(default=1000, ge=1)
    max_batch_bytes: int = Field(default=4 * 2**30, ge=1)

    #: Hosts that webhooks may go to, and the networks besides the public ones that these may lie in.
    webhook_hosts: Names = ()
    webhook_networks: Networks = ()
    #: Signs webhooks: `whsec_` and 24 to 64 bytes in base64.
    webhook_secret: str = ""
    webhook_attempts: int = Field(default=8, ge=1, le=20)

    #: Where audio is kept: empty means `data_dir/blobs`, else an fsspec URL such as s3://bucket/folder.
    blob_url: str = ""
    #: Days after which finished jobs are removed with all that is kept for them; 0: never.
    keep_days: int = Field(default=0, ge=0)
    #: Keep texts (input of speech, transcripts) in the history.
    keep_text: bool = True
    #: Keep audio in the history: none, synthesised output, or uploads as well.
    keep_audio: Literal["none", "output", "all"] = "none"

    @field_validator("plugins", "blocked_plugins", "engine_isolation", "gpu_engines", "webhook_hosts", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("allowed_ips", "trusted_proxies", "metrics_ips", "webhook_networks", mode="before")
    @classmethod
    def _parse_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]
        if value and not networks:  # "," must not come to mean everybody
            raise ValueError("it holds no address; leave it out to set none")
        return networks

    @field_validator("allowed_ips", "trusted_proxies", "metrics_ips", "webhook_networks")
    @classmethod
    def _in_one_form(cls, networks: tuple[Network, ...]) -> tuple[Network, ...]:
        return tuple(map(_unmapped, networks))

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

    def for_engine(self, name: str, known: Sequence[str] | None = None) -> Mapping[str, str]:
        """The variables TINGSHUO_<NAME>_*, keys in lower case without the prefix.

        With `known`, the keys that the engine has, any other raises `ConfigurationError`: a misspelled one is not lost.
        """
        prefix = f"{PREFIX}{name.upper()}_"
        found = {key[len(prefix) :].lower(): value for key, value in os.environ.items() if key.startswith(prefix)}
        if known is not None and (strange := [key for key in found if key not in known]):
            valid = ", ".join(f"{prefix}{key.upper()}" for key in known)
            raise ConfigurationError(f"there is no setting {prefix}{strange[0].upper()}; there are: {valid}")
        return found


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
