"""GET /metrics: what is counted, and who may read it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import httpx2 as httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient, WebSocketDenialResponse

from tingshuo import metrics
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "observability.md").read_text("utf-8")


def _read(client: TestClient, headers: dict[str, str] | None = None) -> dict[tuple[str, frozenset[str]], float]:
    """Each figure by its name and the values of its labels."""
    reply = client.get("/metrics", headers=headers)
    assert reply.status_code == 200
    families = text_string_to_metric_families(reply.text)
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value for each in families for sample in each.samples
    }


class Grown:
    """How much the figures have grown: they are those of the process, which has served other tests."""

    def __init__(self, client: TestClient) -> None:
        self._client, self._before = client, _read(client)

    def __call__(self, name: str, *labels: str) -> float:
        key = (f"tingshuo_{name}", frozenset(labels))
        return _read(self._client).get(key, 0.0) - self._before.get(key, 0.0)


def test_requests_audio_characters_and_emotions_are_counted(client: TestClient, speech: bytes) -> None:
    grown = Grown(client)
    client.post("/v1/audio/speech", json={"input": "hello", "response_format": "wav"})
    client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)})
    synthesizer, recognizer = "tones", "ears"
    assert grown("requests_total", "speech", synthesizer, "succeeded") == 1
    assert grown("requests_total", "transcription", recognizer, "succeeded") == 1
    assert grown("request_duration_seconds_count", "speech", synthesizer) == 1
    assert grown("characters_total", synthesizer) == 5
    assert grown("audio_output_seconds_total", synthesizer) > 0
    assert grown("audio_input_seconds_total", recognizer) > 0
    assert grown("real_time_factor_count", "transcription", recognizer) == 1
    assert grown("emotion_total", "happy") == 1
    assert grown("time_to_first_audio_seconds_count") == 1
    assert grown("http_requests_total", "POST", "/v1/audio/speech", "200") == 1
    assert grown("queue_wait_seconds_count", f"engine:{recognizer}") >= 1
    assert grown("model_load_seconds_count", recognizer) == 1
    assert _read(client)["tingshuo_model_loaded", frozenset({recognizer, "embedded"})] == 1
    assert _read(client)["tingshuo_database_up", frozenset()] == 1
    assert _read(client)["tingshuo_active_requests", frozenset()] == 1  # this one


def test_refusals_are_counted_by_their_reason(client: TestClient, key: Key) -> None:
    grown = Grown(client)
    client.get("/v1/jobs", headers={"Authorization": "Bearer ts-wrong"})
    client.get("/v1/keys", headers=key(client, "speak"))
    client.post("/v1/audio/speech", content=b"x" * 1_000_000)
    assert grown("auth_failures_total") == 1
    assert grown("rejected_total", "forbidden") == 1
    assert grown("rejected_total", "too_large") == 1


def test_a_path_or_a_name_that_a_caller_wrote_is_no_label(client: TestClient) -> None:
    client.get("/nobody/knows/this")
    client.post("/v1/audio/speech", json={"input": "hello", "model": "nobodys-engine"})
    client.get("/v1/jobs/job_of_nobody")
    text = client.get("/metrics").text
    assert "nobody" not in text
    assert 'route="(none)"' in text
    assert 'route="/v1/jobs/{job_id}"' in text


def test_websockets_are_counted_and_logged_with_an_id(
    client: TestClient, key: Key, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tingshuo.access")
    grown = Grown(client)
    path = "/v1/realtime?intent=transcription"
    with client.websocket_connect(path, headers={**key(client, "transcribe"), "x-request-id": "req-9"}) as socket_:
        socket_.receive_json()
    with pytest.raises(WebSocketDenialResponse), client.websocket_connect(path, headers=key(client, "speak")):
        pass
    assert grown("http_requests_total", "WEBSOCKET", "/v1/realtime", "101") == 1
    assert grown("http_requests_total", "WEBSOCKET", "/v1/realtime", "403") == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "tingshuo.access"]
    assert sum(line.startswith("WEBSOCKET /v1/realtime ") for line in lines) == 2


def test_only_keys_with_the_scope_and_addresses_on_the_list_may_read(serve: Serve, key: Key) -> None:
    client = serve()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=key(client, "speak", "transcribe", "jobs")).status_code == 403
    for scope in ("metrics", "admin"):
        assert client.get("/metrics", headers=key(client, scope)).status_code == 200


@pytest.mark.parametrize(("ips", "status"), [("127.0.0.0/8", 200), ("10.0.0.1", 401)])
def test_an_address_on_the_list_needs_no_key(serve: Serve, ips: str, status: int) -> None:
    assert serve(metrics_ips=ips).get("/metrics").status_code == status


@pytest.mark.parametrize("proxy", ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.0/104"])
@pytest.mark.parametrize(("sent", "status"), [("10.0.0.9", 200), ("8.8.8.8", 401), ("10.0.0.9, 8.8.8.8", 401)])
def test_behind_a_proxy_the_clients_address_counts(serve: Serve, proxy: str, sent: str, status: int) -> None:
    client = serve(metrics_ips="::ffff:10.0.0.0/104,127.0.0.1", trusted_proxies=proxy)
    assert client.get("/metrics", headers={"X-Forwarded-For": sent}).status_code == status


def test_every_metric_is_documented_and_every_documented_one_is_there(client: TestClient) -> None:
    there = set(re.findall(r"^# TYPE (tingshuo_\w+)", client.get("/metrics").text, re.MULTILINE))
    families = {name for name in there if not name.endswith("_created")}
    documented = set(re.findall(r"^\| `(tingshuo_\w+)`", PAGE, re.MULTILINE))
    assert documented == families


def test_a_server_that_has_written_nothing_yet_tells_its_figures(
    serve: Serve, postgres_url: str, tmp_path: Path
) -> None:
    settings = {"database_url": postgres_url, "secret": "a secret of sixteen characters", "metrics_ips": "127.0.0.1"}
    client = serve(**settings)
    assert not (tmp_path / "data").exists()
    assert client.get("/readyz").status_code == 200
    assert _read(client)["tingshuo_disk_free_bytes", frozenset()] > 0


def test_a_worker_tells_its_figures_on_a_port_of_its_own(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        there = settings.model_copy(update={"metrics_port": port})
        with pytest.raises(ConfigurationError, match=f"TINGSHUO_METRICS_PORT={port}"), metrics.served(there):
            pass
    with metrics.served(there):
        assert "tingshuo_requests_total" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    with metrics.served(settings), pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


def test_several_processes_can_be_read_as_one(tmp_path: Path) -> None:
    code = (
        "from tingshuo import metrics\n"
        "metrics.AUTH_FAILURES.inc(2)\n"
        "print([line for line in metrics.exposition().decode().splitlines() if line.startswith('tingshuo_auth')][0])"
    )
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for expected in ("2.0", "4.0"):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["tingshuo_auth_failures_total", expected]
