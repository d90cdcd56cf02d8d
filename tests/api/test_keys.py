"""Keys over the API: made and revoked by admins alone, and no way up for anybody else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo import auth, db
from tingshuo.errors import LastAdminKey
from tingshuo.settings import Settings

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

BODY = {"name": "nightly", "scopes": ["transcribe"], "expires_days": 30}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_key_sees_what_it_is(serve: Serve, key: Key) -> None:
    client = serve()
    reply = client.get("/v1/me", headers=key(client, "speak", "jobs")).json()
    assert (reply["object"], reply["name"], reply["scopes"]) == ("key", "key 0", ["jobs", "speak"])
    assert reply["expires_at"] is None
    assert "token" not in reply
    assert "digest" not in reply


def test_an_admin_makes_a_key_that_works_and_revokes_it(client: TestClient) -> None:
    made = client.post("/v1/keys", json=BODY)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    row = made.json()
    assert (row["name"], row["scopes"]) == ("nightly", ["transcribe"])
    assert row["expires_at"] > row["created_at"]
    own = _bearer(row["token"])
    assert client.get("/v1/me", headers=own).json()["id"] == row["id"]
    assert client.get("/v1/jobs", headers=own).status_code == 403
    revoked = client.delete(f"/v1/keys/{row['id']}")
    assert (revoked.status_code, revoked.json()["revoked_at"] is not None) == (200, True)
    assert client.get("/v1/me", headers=own).status_code == 401
    assert client.delete(f"/v1/keys/{row['id']}").status_code == 404


def test_the_list_has_every_key_and_no_token(client: TestClient) -> None:
    token = client.post("/v1/keys", json=BODY).json()["token"]
    listed = client.get("/v1/keys")
    assert [row["name"] for row in listed.json()["data"]] == ["key 0", "nightly"]
    assert token not in listed.text
    assert token[8:30] not in listed.text


@pytest.mark.parametrize("scopes", [["speak"], ["transcribe", "speak", "jobs", "metrics"]])
def test_a_key_without_admin_cannot_make_list_or_revoke_keys(serve: Serve, key: Key, scopes: list[str]) -> None:
    client = serve()
    admin, weak = key(client, "admin"), key(client, *scopes)
    victim = client.get("/v1/me", headers=admin).json()["id"]
    for attempt in (
        client.post("/v1/keys", headers=weak, json={"name": "mine", "scopes": ["admin"]}),
        client.post("/v1/keys", headers=weak, json={"name": "mine", "scopes": scopes}),
        client.get("/v1/keys", headers=weak),
        client.delete(f"/v1/keys/{victim}", headers=weak),
        client.get("/v1/system", headers=weak),
        client.post("/v1/engines/tones/load", headers=weak),
        client.post("/v1/engines/tones/unload", headers=weak),
    ):
        assert (attempt.status_code, attempt.json()["error"]["code"]) == (403, "permission_denied")
    assert len(auth.list_keys(client.app.state.services.settings)) == 2  # type: ignore[attr-defined]


def test_a_key_cannot_give_itself_more(serve: Serve, key: Key) -> None:
    client = serve()
    weak = key(client, "speak")
    own = client.get("/v1/me", headers=weak).json()["id"]
    for method in ("PUT", "PATCH", "POST"):
        for path in ("/v1/me", f"/v1/keys/{own}"):
            assert client.request(method, path, headers=weak, json={"scopes": ["admin"]}).status_code == 405
    assert client.get("/v1/me", headers={**weak, "X-Tingshuo-Scopes": "admin"}).json()["scopes"] == ["speak"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "admin"}, "scopes"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"expires_days": 0}, "expires_days"),
        ({"expires_days": -1}, "expires_days"),
        ({"id": "key_mine"}, "id"),
        ({"digest": "0" * 64}, "digest"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_and_the_field_named(
    client: TestClient, change: dict[str, object], param: str
) -> None:
    reply = client.post("/v1/keys", json={**BODY, **change})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert client.post("/v1/keys", json=BODY).status_code == 201
    assert client.post("/v1/keys", json=BODY).status_code == 400  # the name is taken


def test_the_only_admin_key_is_not_revoked_over_the_api(client: TestClient) -> None:
    own = client.get("/v1/me").json()["id"]
    client.post("/v1/keys", json={"name": "weak", "scopes": ["speak"]})
    reply = client.delete(f"/v1/keys/{own}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "last_admin_key")
    assert f"tingshuo keys revoke {own}" in reply.json()["error"]["message"]
    other = client.post("/v1/keys", json={"name": "second", "scopes": ["admin"]}).json()
    assert client.delete(f"/v1/keys/{own}").status_code == 200
    assert client.get("/v1/me", headers=_bearer(other["token"])).status_code == 200


def test_of_two_admins_who_revoke_each_other_at_once_one_stays(any_database: Settings) -> None:
    db.upgrade(any_database)
    rows = [auth.create_key(any_database, name, ["admin"])[0] for name in ("one", "two")]

    def revoke(key_id: str) -> bool:
        try:
            auth.revoke_key(any_database, key_id, spare_last_admin=True)
        except LastAdminKey:
            return False
        return True

    with ThreadPoolExecutor(2) as together:
        done = list(together.map(revoke, [row.id for row in rows]))
    assert sorted(done) == [False, True]
    assert sum(row.revoked_at is None for row in auth.list_keys(any_database)) == 1


def test_who_made_and_revoked_a_key_is_in_the_audit_trail(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tingshuo.audit")
    own = client.get("/v1/me").json()["id"]
    made = client.post("/v1/keys", json=BODY).json()
    client.delete(f"/v1/keys/{made['id']}")
    told = [record.getMessage() for record in caplog.records if record.name == "tingshuo.audit"]
    assert [line.split(":")[0] for line in told] == [f"key.created by {own}", f"key.revoked by {own}"]
    assert made["id"] in told[0]
    assert made["token"] not in caplog.text
