"""Round trips and transcripts of the history in brief, and the report of a round trip."""

from __future__ import annotations

import csv
import io

from starlette.testclient import TestClient

PLAN = {
    "sentences": ["今天真高兴", "你怎么又迟到了"],
    "emotions": ["happy", "sad"],
    "voices": ["high"],
    "language": "zh",
}


def _run(client: TestClient) -> dict[str, object]:
    reply = client.post("/v1/roundtrips", json=PLAN)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def test_the_report_page_has_the_figures_of_the_run(client: TestClient) -> None:
    run = _run(client)
    page = client.get(f"/v1/jobs/{run['job']}/result", params={"format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "今天真高兴" in page.text
    assert f"<title>Round trip: CER {100 * float(str(run['cer'])):.1f} %</title>" in page.text


def test_the_table_has_a_row_for_each_utterance(client: TestClient) -> None:
    run = _run(client)
    table = client.get(f"/v1/jobs/{run['job']}/result", params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text.lstrip("\ufeff"))))
    assert [(row["sentence"], row["emotion"], float(row["cer"])) for row in rows] == [
        (item["sentence"], item["emotion"], item["cer"])
        for item in run["items"]  # type: ignore[attr-defined]
    ]


def test_another_format_is_refused_with_those_there_are(client: TestClient) -> None:
    reply = client.get(f"/v1/jobs/{_run(client)['job']}/result", params={"format": "srt"})
    assert reply.status_code == 400
    assert "json, csv, html" in reply.json()["error"]["message"]


def test_a_list_tells_results_in_brief_where_asked(client: TestClient) -> None:
    run = _run(client)
    spoken = client.post("/v1/audio/speech", json={"input": "你好", "emotion": "sad", "response_format": "wav"})
    client.post("/v1/audio/transcriptions", files={"file": ("a.wav", spoken.content)})
    heard, said, trip = client.get("/v1/jobs", params={"summary": True}).json()["data"]
    assert trip["summary"]["cer"] == run["cer"]
    assert said["summary"] is None
    assert list(heard["summary"]["emotions"]) == ["sad"]
    assert "summary" not in client.get("/v1/jobs").json()["data"][0]
