"""GET /v1/webhooks/deliveries."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeAlias

from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"


def test_deliveries_are_listed_for_whoever_asked_for_them(serve: Serve, key: Key) -> None:
    # A host that does not exist: what is written before sending is what counts here.
    client = serve(job_threads=0, webhook_hosts=["hooks.invalid"], webhook_secret=SECRET)
    mine, other = key(client, "jobs", "speak"), key(client, "jobs", "speak")
    body = {"kind": "speech", "input": {"input": "hello"}, "webhook": "https://hooks.invalid/x"}
    ids = []
    for _ in range(2):
        job = client.post("/v1/jobs", json=body, headers=mine).json()
        assert job["webhook"] == "https://hooks.invalid/x"
        client.post(f"/v1/jobs/{job['id']}/cancel", headers=mine)
        ids.append(job["id"])
    listed = client.get("/v1/webhooks/deliveries", headers=mine).json()
    assert [item["job_id"] for item in listed["data"]] == ids[::-1]
    item = listed["data"][0]
    assert (item["object"], item["url"], item["delivered_at"]) == ("webhook.delivery", body["webhook"], None)
    rest = client.get("/v1/webhooks/deliveries", params={"after": item["id"]}, headers=mine).json()
    assert [found["job_id"] for found in rest["data"]] == ids[:1]
    of_one = client.get("/v1/webhooks/deliveries", params={"job": ids[0]}, headers=mine).json()
    assert [found["job_id"] for found in of_one["data"]] == ids[:1]
    assert client.get("/v1/webhooks/deliveries", headers=other).json()["data"] == []
    # Not even that there is one.
    assert client.get("/v1/webhooks/deliveries", params={"after": item["id"]}, headers=other).status_code == 400
    for query in ("limit=0", "after=msg_x"):
        assert client.get(f"/v1/webhooks/deliveries?{query}", headers=mine).status_code == 400
