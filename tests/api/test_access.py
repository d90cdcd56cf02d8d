"""Who gets in: keys, scopes, addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from tingshuo import auth, db
from tingshuo.db import ApiKey

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

#: (method, path, scopes that open it); a path with an id answers 404 to those let in.
ROUTES = [
    ("POST", "/v1/audio/speech", {"speak"}),
    ("POST", "/tts", {"speak"}),
    ("POST", "/synthesize", {"speak"}),
    ("POST", "/v1/audio/transcriptions", {"transcribe"}),
    ("POST", "/v1/audio/translations", {"transcribe"}),
    ("POST", "/v1/roundtrips", {"speak", "transcribe"}),
    ("GET", "/v1/jobs", {"jobs"}),
    ("GET", "/v1/jobs/x", {"jobs"}),
    ("GET", "/v1/jobs/x/audio", {"jobs"}),
    ("DELETE", "/v1/jobs/x", {"jobs"}),
]
OPEN = {"/", "/docs", "/health", "/healthz", "/readyz"}


@pytest.mark.parametrize(("method", "path", "scopes"), ROUTES)
def test_a_route_opens_to_its_scopes_and_to_no_other(
    serve: Serve, key: Key, method: str, path: str, scopes: set[str]
) -> None:
    client = serve()
    assert client.request(method, path).status_code == 401
    for missing in scopes:
        held = {"speak", "transcribe", "jobs"} - {missing}
        reply = client.request(method, path, headers=key(client, *held))
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "permission_denied")
        assert repr(missing) in reply.json()["error"]["message"]
    for held in (scopes, {"admin"}, {"all"}):
        assert client.request(method, path, headers=key(client, *held)).status_code in (200, 400, 404)


def test_every_route_is_either_guarded_or_meant_to_be_open(serve: Serve) -> None:
    client = serve()
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            reply = client.request(method.upper(), path.replace("{", "").replace("}", ""))
            assert (reply.status_code == 401) == (path not in OPEN), f"{method} {path}: {reply.status_code}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "ts-abc",
        "Bearer ts-wrong",
        "Bearer " + "x" * 5000,
        "Bearer \xff\xfe",
        "Bearer ' OR 1=1",
    ],
)
def test_without_a_good_key_the_answer_is_401_and_says_how_to_send_one(serve: Serve, header: str | None) -> None:
    headers: Any = [(b"Authorization", header.encode("latin-1"))] if header is not None else []
    reply = serve().post("/v1/audio/speech", headers=headers, json={"input": "hello"})
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["code"]) == (401, "authentication_error", "invalid_api_key")
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in error["message"]


def test_the_word_bearer_may_be_written_in_any_case(serve: Serve, key: Key) -> None:
    client = serve()
    token = key(client, "jobs")["Authorization"].removeprefix("Bearer ")
    for kind in ("bearer", "BEARER", "Bearer "):
        assert client.get("/v1/jobs", headers={"Authorization": f"{kind} {token}"}).status_code == 200


def test_revoked_and_expired_keys_are_turned_away(serve: Serve) -> None:
    client = serve()
    settings = client.app.state.services.settings  # type: ignore[attr-defined]
    for name in ("revoked", "expired"):
        row, token = auth.create_key(settings, name, ["admin"])
        header = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/jobs", headers=header).status_code == 200
        with db.session(settings) as session:
            past = datetime.now(UTC) - timedelta(minutes=1)
            session.execute(
                update(ApiKey).where(ApiKey.id == row.id).values({f"{name}_at".replace("expired", "expires"): past})
            )
        reply = client.get("/v1/jobs", headers=header)
        assert reply.status_code == 401
        assert name in reply.json()["error"]["message"]


def test_the_body_is_not_read_for_those_who_are_turned_away(serve: Serve) -> None:
    client = serve()
    bad = client.post("/v1/audio/speech", content=b"{not json", headers={"Content-Type": "application/json"})
    assert bad.status_code == 401


def test_the_allow_list_comes_before_the_key(serve: Serve, key: Key) -> None:
    client = serve(allowed_ips="10.0.0.0/8")
    for path in ("/v1/jobs", "/healthz", "/", "/nothing"):
        reply = client.get(path, headers=key(client, "admin"))
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "permission_denied")
        assert reply.headers["x-request-id"].startswith("req_")


def test_behind_a_trusted_proxy_the_client_counts(serve: Serve) -> None:
    client = serve(allowed_ips="10.0.0.0/8", trusted_proxies="127.0.0.1")
    assert client.get("/healthz", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    assert client.get("/healthz", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 403


def test_links_say_https_where_the_proxy_does(serve: Serve, key: Key) -> None:
    client = serve(trusted_proxies="127.0.0.1")
    headers = {**key(client, "speak"), "X-Forwarded-Proto": "https", "Host": "speech.example"}
    link = client.post("/tts", json={"text": "hello"}, headers=headers).json()["audio_url"]
    assert link.startswith("https://speech.example/v1/jobs/job_")
