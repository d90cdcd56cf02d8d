"""docs/api.md is held to the code: routes, error codes, examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tingshuo import errors

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")


def test_every_route_is_documented(client: TestClient) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in PAGE


def test_every_error_code_is_documented_with_its_status_and_type() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    documented = {(code, int(status), kind) for status, kind, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.TingshuoError):
            assert (error.code, error.status, error.type) in documented


def test_every_field_is_documented(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    form = description["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]
    bodies = [form["schema"], *(description["components"]["schemas"][name] for name in ("SpeechBody", "RoundtripBody"))]
    for field in {field for body in bodies for field in body["properties"]}:
        assert f"`{field}`" in PAGE or f"`{field}[]`" in PAGE, field


@pytest.mark.parametrize(
    ("method", "path", "body"),
    re.findall(r"curl -\w+ (?:-X (\w+) )?\$TINGSHUO(/\S+) .*application/json\" \\\n  -d '(.*)'", PAGE),
    ids=lambda part: part[:16],
)
def test_the_examples_work(client: TestClient, method: str, path: str, body: str) -> None:
    assert client.request(method or "POST", path, json=json.loads(body)).status_code in (200, 201, 202)


def test_there_are_examples_to_try() -> None:
    assert len(re.findall(r"-d '", PAGE)) >= 4
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        json.loads(block)
