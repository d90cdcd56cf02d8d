"""POST /v1/roundtrips: the platform listens to what it said."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

ROUTE = "/v1/roundtrips"


def test_what_was_said_is_compared_with_what_was_heard(client: TestClient) -> None:
    reply = client.post(ROUTE, json={"sentences": ["今天真高兴", "再见"], "emotions": ["happy", "sad"]})
    assert reply.status_code == 200, reply.text
    result = reply.json()
    assert (result["object"], result["n"], result["failed"]) == ("roundtrip", 4, 0)
    assert (result["cer"], result["emotion_accuracy"]) == (0, 1)
    assert result["confusion"]["happy"]["happy"] == 2
    assert [item["heard"] for item in result["items"]] == ["今天真高兴", "今天真高兴", "再见", "再见"]
    assert result["job"] == reply.headers["x-tingshuo-job"]
    job = client.get(f"/v1/jobs/{result['job']}").json()
    assert (job["kind"], job["status"], job["input_text"]) == ("roundtrip", "succeeded", "今天真高兴\n再见")
    assert job["parameters"]["recognizer"] == "ears"
    assert job["result"]["cer"] == 0


def test_voices_and_engines_can_be_chosen(client: TestClient) -> None:
    body = {"sentences": ["hi"], "voices": ["low"], "synthesizer": "tones", "recognizer": "ears", "language": "en"}
    result = client.post(ROUTE, json=body).json()
    assert [(item["voice"], item["emotion"], item["heard"]) for item in result["items"]] == [("low", "neutral", "hi")]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"sentences": []}, 400, "sentences"),
        ({"sentences": "hello"}, 400, "sentences"),
        ({"sentences": [" "]}, 400, "input"),
        ({"sentences": ["x"] * 501}, 400, "sentences"),
        ({"sentences": ["x"] * 63}, 413, "sentences"),  # times 8 pairs of voice and emotion
        ({"voices": ["nobody"]}, 400, "voice"),
        ({"emotions": ["hangry"]}, 400, "emotion"),
        ({"emotions": ["sad"], "voices": ["low"]}, 400, "emotions"),
        ({"language": "xx"}, 400, "language"),
        ({"synthesizer": "ears"}, 404, "model"),
        ({"recognizer": "tones"}, 404, "model"),
        ({"intensity": 3}, 400, "intensity"),
        ({"sentence": "x"}, 400, "sentence"),
        ({"save_path": "/etc/passwd"}, 400, "save_path"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_before_any_work(
    client: TestClient, fields: dict[str, Any], status: int, param: str
) -> None:
    reply = client.post(ROUTE, json={"sentences": ["你好"], **fields})
    assert (reply.status_code, reply.json()["error"]["param"]) == (status, param), reply.text
    assert client.get("/v1/jobs").json()["data"] == []
