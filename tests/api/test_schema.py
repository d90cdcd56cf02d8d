"""The API as its own description says it is, and the opposite of that: what a client sends never breaks the server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from live_server import Live
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

#: Routes whose replies go on for as long as something happens.
ENDLESS = {"/v1/jobs/{job_id}/events"}
#: Requests to each route in each manner.
EXAMPLES = 4


def _checked(reply: Any, name: str) -> None:
    """Never a failure of the server's, and every refusal in the envelope with a request id."""
    assert reply.status_code < 500, f"{name}: {reply.status_code} {reply.text[:300]}"
    assert reply.headers.get("x-request-id"), name
    if reply.status_code >= 400:
        assert sorted(reply.json()["error"]) == ["code", "message", "param", "type"], name


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name.lower())
def test_no_request_breaks_the_server(live: Live, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
    headers = {"Authorization": f"Bearer {live.token('admin')}"}
    tried = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if operation.path in ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            _checked(case.call(headers=headers, timeout=30), f"{case.method} {case.formatted_path}")

        with suppress(Unsatisfiable):  # a route that takes nothing cannot be asked wrongly
            ask()
            tried += 1
    assert tried > 20
    assert httpx2.get(f"{live.url}/healthz").status_code == 200
