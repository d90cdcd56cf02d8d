"""What one key has done is not there for another one: every route and every list, as they are declared."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Used: TypeAlias = tuple[TestClient, dict[str, str], dict[str, str]]

#: Bodies of the routes that take one: another's thing is not there, whatever is asked of it.
BODIES: dict[tuple[str, str], Any] = {
    ("put", "/v1/jobs/{job_id}/transcript"): {"segments": []},
    ("post", "/v1/jobs/{job_id}/replay"): {},
}
#: Lists of what keys have done.
LISTS = ("/v1/jobs", "/v1/batches", "/v1/calls", "/v1/calls/trends?by=day", "/v1/usage", "/v1/webhooks/deliveries")


@pytest.fixture
def used(serve: Serve, key: Key, speech: bytes) -> Used:
    """A server, the key of somebody, and what they have: by the name that paths have for it."""
    client = serve(keep_audio="all")
    owner = key(client, "transcribe", "speak", "jobs")
    heard = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)}, headers=owner)
    body = {"kind": "speech", "inputs": [{"input": "hello"}]}
    batch = client.post("/v1/batches", json=body, headers=owner).json()["id"]
    until = time.monotonic() + 20
    while client.get(f"/v1/batches/{batch}", headers=owner).json()["counts"].get("succeeded") != 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    return client, owner, {"job_id": heard.headers["x-tingshuo-job"], "batch_id": batch}


def test_nobody_elses_thing_is_there(used: Used, key: Key) -> None:
    client, owner, theirs = used
    stranger = key(client, "transcribe", "speak", "jobs", "metrics")
    paths = client.get("/openapi.json").json()["paths"]
    named = [
        (method, path) for path in paths for method in paths[path] if any(f"{{{name}}}" in path for name in theirs)
    ]
    assert len(named) >= 12
    for method, path in named:
        reply = client.request(method, path.format(**theirs), json=BODIES.get((method, path)), headers=stranger)
        assert reply.status_code == 404, (method, path, reply.text)
    # All of it is still there for whose it is.
    assert client.get(f"/v1/jobs/{theirs['job_id']}/result", headers=owner).status_code == 200
    assert client.get(f"/v1/jobs/{theirs['job_id']}/audio", headers=owner).status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_nobody_elses_thing_is_listed(path: str, used: Used, key: Key) -> None:
    client, owner, theirs = used
    stranger = key(client, "transcribe", "speak", "jobs")
    me = client.get("/v1/me", headers=owner).json()["id"]
    asked = {"caller": me} if path in ("/v1/jobs", "/v1/calls") else {}
    listed = client.get(path, params=asked, headers=stranger)
    assert (listed.status_code, listed.json()["data"]) == (200, []), listed.text
    if path == "/v1/jobs":
        of_batch = client.get(path, params={"batch": theirs["batch_id"]}, headers=stranger).json()
        assert of_batch["data"] == []


def test_a_word_sent_before_by_another_key_stands_for_nothing(used: Used, key: Key) -> None:
    client, owner, _ = used
    stranger, word = key(client, "speak", "jobs"), {"Idempotency-Key": os.urandom(8).hex()}
    for path, body in (
        ("/v1/jobs", {"kind": "speech", "input": {"input": "hello"}}),
        ("/v1/batches", {"kind": "speech", "inputs": [{"input": "hello"}]}),
    ):
        first, second, again = (
            client.post(path, json=body, headers={**whose, **word}) for whose in (owner, stranger, owner)
        )
        assert (first.status_code, second.status_code, again.status_code) == (202, 202, 200), second.text
        assert second.json()["id"] != first.json()["id"] == again.json()["id"]
