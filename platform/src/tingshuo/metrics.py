"""What is counted and measured, in Prometheus' terms. Every name starts with `tingshuo_` (docs/observability.md).

The figures belong to the process. Where several processes answer one port, set PROMETHEUS_MULTIPROC_DIR (read by
prometheus-client itself) to an empty folder of theirs: the figures are then those of all of them together.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

from tingshuo.db import Job
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings

#: Our own registry: what other libraries put into the default one is not ours to publish.
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

#: Seconds, from a cached list to an hour of audio.
_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
#: Seconds of work per second of audio; 1 is as fast as it is spoken.
_FACTORS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 5.0)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"tingshuo_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
    return Histogram(f"tingshuo_{name}", text, labels, registry=REGISTRY, buckets=buckets)


REQUESTS = _counter("requests_total", "Requests to engines, online and queued, that ended.", "task", "engine", "status")
REQUEST_SECONDS = _histogram("request_duration_seconds", "From the start of a request to its end.", "task", "engine")
HTTP_REQUESTS = _counter("http_requests_total", "HTTP requests that were answered.", "method", "route", "status")
HTTP_SECONDS = _histogram("http_request_duration_seconds", "From the first byte in to the last byte out.", "route")
FIRST_AUDIO = _histogram("time_to_first_audio_seconds", "From a request to speak to the first bytes of the reply.")
AUDIO_IN = _counter("audio_input_seconds_total", "Seconds of audio that were recognised.", "engine")
AUDIO_OUT = _counter("audio_output_seconds_total", "Seconds of audio that were spoken.", "engine")
CHARACTERS = _counter("characters_total", "Characters of text that were spoken.", "engine")
REAL_TIME_FACTOR = _histogram(
    "real_time_factor", "Seconds of work per second of audio.", "task", "engine", buckets=_FACTORS
)
QUEUE_WAIT = _histogram("queue_wait_seconds", "From being queued to being worked on.", "queue")
ACTIVE = Gauge(
    "tingshuo_active_requests",
    "HTTP requests and websockets that are being answered.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
LOAD_SECONDS = _histogram("model_load_seconds", "To load an engine's model.", "engine")
AUTH_FAILURES = _counter("auth_failures_total", "Requests without a good key.")
REJECTED = _counter("rejected_total", "Requests that were turned away.", "reason")
EMOTIONS = _counter("emotion_total", "Segments that were heard with an emotion.", "label")

#: Why a request was turned away, by the status it was answered with.
REASONS = {403: "forbidden", 413: "too_large", 429: "too_many", 503: "unavailable", 507: "disk_full"}


def exposition() -> bytes:
    """All figures of this process, or of all processes that share PROMETHEUS_MULTIPROC_DIR, as text."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[None]:
    """Tell the figures over HTTP while the `with` block runs, if a port is set: for a process that has no API.

    Raises `ConfigurationError` where the port cannot be had.
    """
    if not settings.metrics_port:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics_port, settings.host, REGISTRY)
    except OSError as error:
        raise ConfigurationError(f"TINGSHUO_METRICS_PORT={settings.metrics_port}: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def job_ended(job: Job) -> None:
    """Count a request to an engine, online or queued, whose row has just been closed."""
    seconds, audio = job.processing_seconds or 0.0, job.audio_seconds or 0.0
    REQUESTS.labels(job.kind, job.engine, job.status).inc()
    REQUEST_SECONDS.labels(job.kind, job.engine).observe(seconds)
    if audio:
        (AUDIO_IN if job.kind == "transcription" else AUDIO_OUT).labels(job.engine).inc(audio)
        REAL_TIME_FACTOR.labels(job.kind, job.engine).observe(seconds / audio)
    if job.characters:
        CHARACTERS.labels(job.engine).inc(job.characters)
    if job.kind == "transcription":
        for label in _emotions(job.result or {}):
            EMOTIONS.labels(label).inc()


def _emotions(result: Mapping[str, Any]) -> Iterator[str]:
    for segment in result.get("segments") or ():
        emotion = segment.get("emotion") or {}
        if label := emotion.get("label"):
            yield str(label)


@contextlib.contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[None]:
    """Observe how long the `with` block takes, if it does not raise."""
    start = time.monotonic()
    yield
    (histogram.labels(*labels) if labels else histogram).observe(time.monotonic() - start)
