"""OpenTelemetry traces: off unless TINGSHUO_TRACING is set, and then sent where the standard OTEL_* variables say.

A span tells route, status, engine, kind of job, and ids. It never holds a text, a transcript, an address or a key,
and of an exception its class alone. Without the setting nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import tingshuo
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

Attributes: TypeAlias = Mapping[str, str | int | float | bool]


class Tracing:
    """What this process traces with: nothing, until `start` is called."""

    def __init__(self) -> None:
        self._tracer: Tracer | None = None
        self._provider: TracerProvider | None = None

    def start(self, settings: Settings) -> None:
        """Trace from now on, if the settings want it. Raises `ConfigurationError` without OpenTelemetry's packages."""
        if not settings.tracing or self._tracer:
            return
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ConfigurationError("TINGSHUO_TRACING needs more packages: pip install 'tingshuo[tracing]'") from error
        named = Resource.create({SERVICE_NAME: "tingshuo"}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=named)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.use(provider)

    def use(self, provider: TracerProvider) -> None:
        """Trace with a provider of the caller's."""
        self._provider = provider
        self._tracer = provider.get_tracer("tingshuo", tingshuo.__version__)

    @property
    def resource(self) -> Mapping[str, object]:
        """What the spans say of this process."""
        return self._provider.resource.attributes if self._provider else {}

    def stop(self) -> None:
        """Send what is left, and trace no more."""
        if self._provider:
            self._provider.shutdown()
        self._tracer = self._provider = None

    @contextlib.contextmanager
    def span(self, name: str, attributes: Attributes, parent: Mapping[str, str] | None = None) -> Iterator[Span | None]:
        """A span around the `with` block; None where nothing is traced.

        parent: headers of the caller, whose `traceparent` the span continues.
        """
        if self._tracer is None:
            yield None
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import Status, StatusCode

        context = extract(parent) if parent is not None else None
        with self._tracer.start_as_current_span(
            name, context, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                # Its words may quote what was said.
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise


#: That of this process.
TRACING = Tracing()
