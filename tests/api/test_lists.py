"""What there is, and whether it works: models, engines, voices, health, the front page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

from tingshuo import db
from tingshuo.errors import ModelError
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Model

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]

LISTS = ("/v1/models", "/v1/models/tones", "/v1/engines", "/v1/audio/voices", "/v1/audio/models")


class StarterEars(ToneRecognizer):
    """A recogniser on a starter model."""

    def model(self) -> Model:
        return Model("starter (iic/Ears)", "starter")


class Mute(ToneSynthesizer):
    """A synthesizer whose model is missing."""

    name = "mute"

    def model(self) -> Model:
        raise ModelError("model iic/Mute is not on this machine; bring it with: tingshuo models pull iic/Mute")


def test_models_have_openais_keys_and_ours(client: TestClient) -> None:
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    ears, tones = listed["data"]
    assert {name: ears[name] for name in ("id", "object", "owned_by")} == {
        "id": "ears",
        "object": "model",
        "owned_by": "tingshuo",
    }
    assert isinstance(ears["created"], int)
    assert ears["tingshuo"]["kind"] == "recognizer"
    assert ears["tingshuo"]["languages"] == ["zh", "en"]
    assert tones["tingshuo"]["voices"] == ["high", "low"]
    assert tones["tingshuo"]["model"] == {"name": "sixteen tones", "origin": "embedded"}
    assert tones["tingshuo"]["sample_rate"] == 16_000


@pytest.mark.parametrize(
    ("asked", "found"), [("tones", "tones"), ("ears", "ears"), ("whisper-1", "ears"), ("tts-1", "tones")]
)
def test_one_model_can_be_asked_for_also_by_openais_names(client: TestClient, asked: str, found: str) -> None:
    assert client.get(f"/v1/models/{asked}").json()["id"] == found


@pytest.mark.parametrize("name", ["gpt-9", "..", "%2e%2e%2f", "' OR 1=1"])
def test_a_model_that_is_none_is_not_found(client: TestClient, name: str) -> None:
    reply = client.get(f"/v1/models/{name}")
    assert reply.status_code == 404
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_voices_are_listed_as_open_webui_reads_them(client: TestClient) -> None:
    voices = client.get("/v1/audio/voices").json()["voices"]
    assert [(voice["id"], voice["name"], voice["model"]) for voice in voices] == [
        ("high", "high", "tones"),
        ("low", "low", "tones"),
    ]
    assert voices[1]["emotions"] == ["neutral"]
    assert voices[0]["languages"] == ["zh", "en"]
    assert client.get("/v1/audio/voices?model=tones").json()["voices"] == voices
    assert client.get("/v1/audio/voices?model=ears").status_code == 404
    assert client.get("/v1/audio/models").json() == {"models": [{"id": "tones", "name": "tones"}]}


def test_the_engine_list_says_why_an_engine_cannot_work(serve: Serve, key: Key) -> None:
    client = serve(StarterEars(), Mute(), ToneSynthesizer())
    client.headers.update(key(client, "jobs"))
    rows = {row["name"]: row for row in client.get("/v1/engines").json()["data"]}
    assert rows["mute"]["state"] == "unavailable"
    assert "tingshuo models pull iic/Mute" in rows["mute"]["reason"]
    assert rows["ears"]["model"]["origin"] == "starter"
    assert rows["tones"]["state"] == "not_loaded"
    # What cannot work is on no other list.
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["ears", "tones"]
    assert {voice["model"] for voice in client.get("/v1/audio/voices").json()["voices"]} == {"tones"}


@pytest.mark.parametrize("path", LISTS)
def test_lists_need_a_key_of_any_scope(serve: Serve, key: Key, path: str) -> None:
    client = serve()
    assert client.get(path).status_code == 401
    assert client.get(path, headers=key(client, "jobs")).status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_lists_can_be_made_public(serve: Serve, path: str) -> None:
    client = serve(public_lists=True)
    assert client.get(path).status_code == 200
    assert client.get("/v1/jobs").status_code == 401


def test_without_any_engine_the_lists_are_empty_and_the_server_is_not_ready(tmp_path: Path, serve: Serve) -> None:
    client = serve(Mute(), public_lists=True)
    assert client.get("/v1/models").json()["data"] == []
    assert client.get("/v1/audio/voices").json() == {"voices": []}
    assert client.get("/v1/audio/models").json() == {"models": []}
    assert client.get("/v1/models/whisper-1").status_code == 404
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")


@pytest.mark.parametrize("path", ["/health", "/healthz"])
def test_health_needs_nothing(serve: Serve, path: str) -> None:
    reply = serve().get(path)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_ready_says_which_model_every_engine_uses_and_warns_of_starters(serve: Serve) -> None:
    reply = serve(StarterEars(), ToneSynthesizer(), preload=True).get("/readyz")
    state = reply.json()
    assert (reply.status_code, state["status"], state["database"]) == (200, "ready", "ok")
    assert state["engines"][0] == {
        "name": "ears",
        "kind": "recognizer",
        "state": "ready",
        "model": {"name": "starter (iic/Ears)", "origin": "starter"},
    }
    assert len(state["warnings"]) == 1
    assert "ears runs on its small starter model" in state["warnings"][0]


def test_a_database_that_fails_makes_the_server_not_ready(serve: Serve) -> None:
    client = serve()
    services = client.app.state.services  # type: ignore[attr-defined]
    services.plane.close(10.0)  # its threads would hold the old file open
    db.dispose(services.settings)
    for path in services.settings.data_dir.glob("tingshuo.db*"):
        path.unlink()
    (services.settings.data_dir / "tingshuo.db").write_bytes(b"no database" * 1000)
    reply = client.get("/readyz")
    told = client.get("/v1/jobs", headers={"Authorization": "Bearer ts-x"})
    assert (reply.status_code, reply.json()["status"]) == (503, "not_ready")
    assert "database" in reply.json()["database"]
    assert client.get("/healthz").status_code == 200
    assert (told.status_code, told.json()["error"]["code"]) == (503, "storage_failed")
    assert told.headers["retry-after"] == "10"


def test_the_front_page_is_cheap_and_points_at_the_documentation(serve: Serve) -> None:
    client = serve()
    assert client.get("/").json()["docs"] == "/docs"
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/v1/audio/speech", "/v1/audio/transcriptions", "/v1/jobs/{job_id}/audio", "/tts"):
        assert path in page.text
    assert "force_emotion" in page.text
    # A server without a way out must be able to show it.
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_description_names_the_fields_of_the_form(serve: Serve) -> None:
    paths = serve().get("/openapi.json").json()["paths"]
    form = paths["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert {"file", "language", "force_emotion", "response_format"} <= set(form["properties"])
