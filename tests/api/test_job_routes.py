"""/v1/jobs: the history as its owners see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from starlette.testclient import TestClient

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]


def _say(client: TestClient, key: dict[str, str], text: str = "hello") -> str:
    reply = client.post("/v1/audio/speech", json={"input": text, "response_format": "wav"}, headers=key)
    assert reply.status_code == 200, reply.text
    return str(reply.headers["x-tingshuo-job"])


def test_pages_follow_one_another_from_the_newest_on(client: TestClient) -> None:
    ids = [_say(client, {}) for _ in range(3)]
    first = client.get("/v1/jobs", params={"limit": 2}).json()
    assert first["object"] == "list"
    assert [job["id"] for job in first["data"]] == ids[:0:-1]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[2], ids[1], True)
    rest = client.get("/v1/jobs", params={"limit": 2, "after": first["last_id"]}).json()
    assert [job["id"] for job in rest["data"]] == ids[:1]
    assert rest["has_more"] is False
    assert client.get("/v1/jobs", params={"after": ids[0]}).json()["last_id"] is None


def test_lists_are_narrowed_by_kind_and_status(client: TestClient) -> None:
    job_id = _say(client, {})
    assert [job["id"] for job in client.get("/v1/jobs?kind=speech&status=succeeded").json()["data"]] == [job_id]
    assert client.get("/v1/jobs?kind=transcription").json()["data"] == []
    assert client.get("/v1/jobs?status=failed").json()["data"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("after=../x", "after"),
        ("kind=x", "kind"),
        ("status=x", "status"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(client: TestClient, query: str, param: str) -> None:
    reply = client.get(f"/v1/jobs?{query}")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_a_list_does_not_carry_texts_and_results_but_a_job_does(client: TestClient) -> None:
    job_id = _say(client, {}, "secret words")
    assert "secret words" not in client.get("/v1/jobs").text
    assert client.get(f"/v1/jobs/{job_id}").json()["input_text"] == "secret words"


def test_keys_see_their_own_jobs_and_admins_all(serve: Serve, key: Key) -> None:
    client = serve(keep_audio="output")
    one, two, admin = key(client, "speak", "jobs"), key(client, "speak", "jobs"), key(client, "admin")
    mine, other = _say(client, one), _say(client, two)
    assert [job["id"] for job in client.get("/v1/jobs", headers=one).json()["data"]] == [mine]
    assert [job["id"] for job in client.get("/v1/jobs", headers=admin).json()["data"]] == [other, mine]
    for path in (f"/v1/jobs/{other}", f"/v1/jobs/{other}/audio"):
        assert client.get(path, headers=one).status_code == 404
        assert client.get(path, headers=two).status_code == 200
    assert client.delete(f"/v1/jobs/{other}", headers=one).status_code == 404
    assert client.delete(f"/v1/jobs/{other}", headers=admin).status_code == 200


def test_a_deleted_job_is_gone_with_its_audio(serve: Serve, key: Key) -> None:
    client = serve(keep_audio="output")
    client.headers.update(key(client, "admin"))
    job_id = _say(client, {})
    assert client.get(f"/v1/jobs/{job_id}/audio").headers["content-type"] == "audio/wav"
    assert client.delete(f"/v1/jobs/{job_id}").json() == {"id": job_id, "object": "job", "deleted": True}
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/audio"):
        assert client.get(path).status_code == 404
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 404


def test_a_link_opens_nothing_once_its_job_is_deleted(client: TestClient) -> None:
    link = client.post("/tts", json={"text": "hello"}).json()["audio_url"]
    client.delete(f"/v1/jobs/{client.get('/v1/jobs').json()['first_id']}")
    assert client.get(link).status_code == 404


def test_audio_that_was_not_kept_is_not_found_and_the_message_says_why(client: TestClient) -> None:
    reply = client.get(f"/v1/jobs/{_say(client, {})}/audio")
    assert reply.status_code == 404
    assert "TINGSHUO_KEEP_AUDIO" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "job_id", ["x", "..", "..%2f..%2fsecret", "job_%27%20OR%20%271%27=%271", "job_" + "0" * 30, "job_%0a", "é"]
)
@pytest.mark.parametrize("ending", ["", "/audio"])
def test_an_id_that_is_none_is_not_found(client: TestClient, job_id: str, ending: str) -> None:
    kept = _say(client, {})
    for call in (client.get, client.delete):
        reply = call(f"/v1/jobs/{job_id}{ending}")
        assert reply.status_code in (404, 405)
        assert sorted(reply.json()["error"]) == ["code", "message", "param", "type"]
    assert client.get(f"/v1/jobs/{kept}").status_code == 200


def test_texts_are_not_kept_where_the_settings_say_so(serve: Serve, key: Key, speech: bytes) -> None:
    client = serve(keep_text=False)
    client.headers.update(key(client, "admin"))
    spoken = client.get(f"/v1/jobs/{_say(client, {}, '机密')}").json()
    assert (spoken["input_text"], spoken["characters"]) == (None, 2)
    heard = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)})
    assert heard.json()["text"] == "今天真高兴"
    job = client.get(f"/v1/jobs/{heard.headers['x-tingshuo-job']}")
    assert "高兴" not in job.text
    assert job.json()["result"]["segments"][0]["emotion"]["label"] == "happy"
    client.post("/v1/roundtrips", json={"sentences": ["机密"], "emotions": ["sad"]})
    job = client.get(f"/v1/jobs/{client.get('/v1/jobs').json()['first_id']}")
    assert "机密" not in job.text
    assert job.json()["result"]["items"][0]["emotion"] == "sad"
