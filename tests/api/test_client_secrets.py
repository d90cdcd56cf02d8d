"""POST /v1/realtime/client_secrets: what a browser page is given instead of a key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from tingshuo import auth, client_secrets
from tingshuo.errors import AuthenticationFailed, PermissionDenied
from tingshuo.settings import Settings

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

PATH = "/v1/realtime?intent=transcription"


def _secret(client: TestClient, header: dict[str, str]) -> dict[str, Any]:
    reply = client.post("/v1/realtime/client_secrets", headers=header)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def test_a_secret_opens_a_session_as_a_browser_does(serve: Serve, key: Key) -> None:
    client = serve()
    secret = _secret(client, key(client, "transcribe"))
    protocols = ["realtime", f"openai-insecure-api-key.{secret['value']}"]
    with client.websocket_connect(PATH, subprotocols=protocols) as socket:
        assert socket.accepted_subprotocol == "realtime"
        assert socket.receive_json()["type"] == "session.created"
    assert 0 < secret["expires_at"] - datetime.now(UTC).timestamp() <= 60


def test_a_secret_is_no_key(serve: Serve, key: Key) -> None:
    client = serve()
    secret = _secret(client, key(client, "transcribe"))["value"]
    assert client.get("/v1/models", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_a_key_that_may_not_transcribe_gets_none(serve: Serve, key: Key) -> None:
    client = serve()
    assert client.post("/v1/realtime/client_secrets", headers=key(client, "speak")).status_code == 403


@pytest.mark.parametrize("wrong", ["ek_", "ek_x.1.a", "ek_key_00.9999999999.00", "ek_key_00.99999999999999.00"])
def test_a_made_up_secret_opens_nothing(wrong: str, serve: Serve) -> None:
    client = serve()
    with pytest.raises(WebSocketDenialResponse) as refused:
        client.websocket_connect(PATH, headers={"Authorization": f"Bearer {wrong}"}).__enter__()
    assert refused.value.status_code == 401


def test_a_secret_ends_with_its_minute_and_with_its_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from tingshuo import db

    db.upgrade(settings)
    row, token = auth.create_key(settings, "page", ["transcribe", "speak"])
    caller = auth.authenticate(settings, token)
    secret, expires = client_secrets.issue(settings, caller)
    assert client_secrets.redeem(settings, secret).scopes == {"transcribe"}
    later = secret.replace(str(int(expires.timestamp())), str(int(expires.timestamp()) + 3600))
    with pytest.raises(AuthenticationFailed, match="wrong"):
        client_secrets.redeem(settings, later)
    monkeypatch.setattr(client_secrets, "LIFETIME", -client_secrets.LIFETIME)
    with pytest.raises(AuthenticationFailed, match="expired"):
        client_secrets.redeem(settings, client_secrets.issue(settings, caller)[0])
    monkeypatch.undo()
    auth.revoke_key(settings, row.id)
    with pytest.raises(AuthenticationFailed, match="revoked"):
        client_secrets.redeem(settings, secret)


def test_a_secret_of_a_key_without_the_scope_opens_nothing(settings: Settings) -> None:
    from tingshuo import db

    db.upgrade(settings)
    caller = auth.authenticate(settings, auth.create_key(settings, "voice", ["speak"])[1])
    with pytest.raises(PermissionDenied):
        client_secrets.redeem(settings, client_secrets.issue(settings, caller)[0])
