"""Traces: nothing unless switched on, and then no word that anybody said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from tingshuo import auth
from tingshuo.api import create_app
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings
from tingshuo.testing import engines_of
from tingshuo.tracing import TRACING, Tracing

Spans: TypeAlias = Callable[[], list[ReadableSpan]]
SECRET = "zhège mìmì"


@pytest.fixture
def spans() -> Iterator[Spans]:
    """The spans that ended so far, with tracing on."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    TRACING.use(provider)
    yield lambda: list(exporter.get_finished_spans())
    TRACING.stop()


def _client(settings: Settings) -> TestClient:
    return TestClient(create_app(settings, engines_of(settings=settings)), raise_server_exceptions=False)


def test_a_request_is_one_span_that_continues_the_callers_trace(settings: Settings, spans: Spans) -> None:
    with _client(settings) as client:
        _, token = auth.create_key(settings, "one", ["speak"])
        headers = {
            "Authorization": f"Bearer {token}",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "x-request-id": "req-7",
        }
        body = {"input": SECRET, "response_format": "wav"}
        assert client.post("/v1/audio/speech", json=body, headers=headers).status_code == 200
        ended = spans()
    told = {span.name: span for span in ended}
    request = told["POST /v1/audio/speech"]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["tingshuo.request_id"] == "req-7"
    assert request.parent is not None
    assert {f"{span.context.trace_id:032x}" for span in ended} == {"0af7651916cd43dd8448eb211c80319c"}
    assert SECRET not in "".join(span.to_json() for span in ended)
    assert token not in "".join(span.to_json() for span in ended)


def test_a_failure_is_told_by_its_class_alone(spans: Spans) -> None:
    with pytest.raises(ValueError, match="mìmì"), TRACING.span("work", {"engine": "tones"}):
        raise ValueError(SECRET)
    (span,) = spans()
    assert span.status.description == "ValueError"
    assert SECRET not in span.to_json()


def test_off_is_the_default_and_gives_no_span(settings: Settings) -> None:
    tracing = Tracing()
    tracing.start(settings)
    with tracing.span("work", {}) as span:
        assert span is None
    tracing.stop()


def test_switched_on_it_sends_where_the_standard_variables_say(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "speech-3")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")  # nothing is sent from a test
    tracing = Tracing()
    tracing.start(settings.model_copy(update={"tracing": True}))
    with tracing.span("work", {}) as span:
        assert span is not None
    assert tracing.resource["service.name"] == "speech-3"
    tracing.stop()


def test_without_the_packages_the_setting_stops_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'tingshuo\[tracing\]'"):
        Tracing().start(settings.model_copy(update={"tracing": True}))


def test_the_application_does_not_import_opentelemetrys_sdk_by_itself() -> None:
    code = "import sys, tingshuo.api; print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
