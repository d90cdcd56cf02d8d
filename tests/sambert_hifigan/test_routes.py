"""POST /v1/frontend and /v1/lexicon over the API, which the plugin brings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tingshuo import auth
from tingshuo.api import create_app
from tingshuo.settings import Settings
from tingshuo.testing import engines_of


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The API with the routes of all installed plugins, and an admin key in every request."""
    app = create_app(settings, engines_of(settings=settings))
    with TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50_000)) as started:
        started.headers.update(_key(settings, "admin"))
        yield started


def _key(settings: Settings, *scopes: str) -> dict[str, str]:
    token = auth.create_key(settings, f"key {len(auth.list_keys(settings))}", scopes)[1]
    return {"Authorization": f"Bearer {token}"}


def test_a_text_is_told_as_it_will_be_read(client: TestClient) -> None:
    told = client.post("/v1/frontend", json={"text": "重庆有3个SQL数据库。你好！"}).json()
    assert sorted(told) == ["normalized", "pinyin", "sentences", "symbols"]
    assert told["pinyin"].startswith("chong2 qing4 ")
    assert len(told["symbols"]) == len(told["sentences"]) == 2
    first, second = told["sentences"]
    assert first["text"].startswith("重庆有三个")
    assert first["words"][0] == {"text": "重庆", "pinyin": "chong2 qing4", "break": 1}
    assert first["words"][-1]["break"] == 4
    assert [word["pinyin"] for word in second["words"]] == ["ni2 hao3"]
    assert " ".join(word["pinyin"] for part in told["sentences"] for word in part["words"]) == told["pinyin"]


def test_ssml_is_read_as_such(client: TestClient) -> None:
    speak = '<speak>我叫<phoneme alphabet="py" ph="shan4 xiao3">单晓</phoneme></speak>'
    for body in ({"ssml": speak}, {"text": speak}):
        assert client.post("/v1/frontend", json=body).json()["pinyin"].endswith("shan4 xiao3")


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "text"),
        ({"text": "你好", "ssml": "<speak>你好</speak>"}, 400, "text"),
        ({"text": " "}, 400, "text"),
        ({"ssml": ""}, 400, "ssml"),
        ({"text": "好" * 10_001}, 413, "text"),
        ({"text": 3}, 400, "text"),
        ({"txet": "你好"}, 400, "txet"),
        ({"text": "你好", "voice": "nobody"}, 404, "model"),  # these engines are not the plugin's
        ({"text": "！？"}, 400, None),
        ({"ssml": "<speak><unknown/></speak>"}, 400, None),
        ({"ssml": "<speak>你好<break></speak>"}, 400, None),
    ],
)
def test_what_cannot_be_read_is_refused(client: TestClient, body: Any, status: int, param: str | None) -> None:
    reply = client.post("/v1/frontend", json=body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize("word", ["单晓", "TCP/IP", "C++", "what?", "50%", "a b"])
def test_a_reading_is_set_used_listed_and_removed(client: TestClient, word: str) -> None:
    path = f"/v1/lexicon/{''.join(f'%{byte:02X}' for byte in word.encode())}"
    entry = {"object": "lexicon.entry", "word": word, "reading": "shan4 xiao3", "kind": "pinyin"}
    assert client.put(path, json={"reading": "shan4 xiao3"}).json() == entry
    assert client.get("/v1/lexicon").json() == {"object": "list", "data": [entry], "has_more": False}
    if word == "单晓":
        assert client.post("/v1/frontend", json={"text": word}).json()["pinyin"] == "shan4 xiao3"
    assert client.delete(path).json() == {"word": word, "object": "lexicon.entry", "deleted": True}
    missing = client.delete(path)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert client.get("/v1/lexicon").json()["data"] == []


@pytest.mark.parametrize(
    ("word", "body", "param"),
    [
        ("单晓", {"reading": "shan9"}, "reading"),
        ("单晓", {"reading": None}, "reading"),
        ("单晓", {"reading": 7}, "reading"),
        ("单晓", {"raeding": "shan4"}, "raeding"),
        ("%23x", {"reading": "shan4"}, "word"),
        ("a%09b", {"reading": "shan4"}, "word"),
        ("x" * 33, {"reading": "shan4"}, "word"),
        ("%FF", {"reading": "shan4"}, "word"),
    ],
)
def test_what_is_no_entry_is_refused(client: TestClient, word: str, body: Any, param: str) -> None:
    reply = client.put(f"/v1/lexicon/{word}", json=body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
    assert client.get("/v1/lexicon").json()["data"] == []


def test_only_admins_change_the_lexicon(client: TestClient, settings: Settings) -> None:
    speaker = _key(settings, "speak")
    assert client.get("/v1/lexicon", headers=speaker).status_code == 200
    assert client.post("/v1/frontend", json={"text": "你好"}, headers=speaker).status_code == 200
    assert client.put("/v1/lexicon/x", json={"reading": "hao3"}, headers=speaker).status_code == 403
    assert client.delete("/v1/lexicon/x", headers=speaker).status_code == 403
    assert client.post("/v1/frontend", json={"text": "你好"}, headers=_key(settings, "jobs")).status_code == 403
    del client.headers["Authorization"]
    assert client.get("/v1/lexicon").status_code == 401
