"""What nobody in their right mind sends: never a failure of the server's, and nothing left behind."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_server import PATIENCE, Listen, Live
from starlette.testclient import TestClient

from tingshuo.testing import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, TranscribeOptions, Transcript, Utterance

few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _checked(reply: httpx2.Response) -> None:
    assert reply.status_code < 500, reply.text
    if reply.status_code >= 400:
        assert sorted(reply.json()["error"]) == ["code", "message", "param", "type"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = {
    "/v1/audio/speech": "input model voice response_format speed instructions stream_format stream emotion extra pitch",
    "/tts": "text emotion speed voice",
    "/v1/roundtrips": "sentences synthesizer recognizer voices emotions language intensity speed",
    "/v1/frontend": "text ssml voice",
    "/v1/jobs": "kind input priority webhook max_attempts",
}


@pytest.mark.parametrize("path", FIELDS)
@few
@given(data=st.data())
def test_no_value_in_any_field_breaks_it(client: TestClient, path: str, data: st.DataObject) -> None:
    names = st.sampled_from(FIELDS[path].split())
    body = data.draw(anything | st.dictionaries(names, anything, min_size=1, max_size=4))
    content = json.dumps(body).encode()
    _checked(client.post(path, content=content, headers={"Content-Type": "application/json"}))


def _form(speech: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    field = b'\r\n--b\r\nContent-Disposition: form-data; name="response_format"\r\n\r\nverbose_json\r\n--b--\r\n'
    return head + speech[:4_000] + field


# Starlette leaves the temporary file of a form that breaks off to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@few
@given(data=st.data())
def test_no_byte_changed_lost_or_added_in_a_form_breaks_it(
    client: TestClient, speech: bytes, data: st.DataObject
) -> None:
    form = bytearray(_form(speech))
    # Most of it is sound: the changes go where the structure is.
    places = st.integers(0, 200) | st.integers(len(form) - 120, len(form) - 1)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(places)
        match data.draw(st.sampled_from(("change", "cut", "add"))):
            case "change":
                form[min(place, len(form) - 1)] = data.draw(st.integers(0, 255))
            case "cut":
                del form[place : place + data.draw(st.integers(1, 40))]
            case _:
                form[place:place] = data.draw(st.binary(max_size=40))
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    _checked(client.post("/v1/audio/transcriptions", content=bytes(form), headers=headers))


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/audio/transcriptions", "/v1/frontend", "/v1/jobs", "/tts"])
def test_a_wrong_key_is_told_before_the_body_is_read(live: Live, path: str) -> None:
    host, port = live.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ts-wrong\r\nContent-Length: 1000000000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", [*FIELDS, "/v1/batches", "/v1/keys"])
@pytest.mark.parametrize("body", ["[" * 50_000, '{"input":' * 5_000, '{"\\ud800": 1}', '{"extra": {"\\ud800": 1}}'])
def test_what_json_can_spell_and_nobody_means_is_told(client: TestClient, path: str, body: str) -> None:
    reply = client.post(path, content=body.encode(), headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    _checked(reply)


@pytest.mark.parametrize(
    "url",
    [
        *("/v1/jobs?batch=%00", "/v1/webhooks/deliveries?job=%00"),
        *("/v1/jobs/%00", "/v1/jobs/%00/audio", "/v1/models/%00", "/v1/keys/%00"),
    ],
)
def test_a_nul_in_a_url_is_refused_before_a_database_sees_it(client: TestClient, url: str) -> None:
    reply = client.request("DELETE" if "keys" in url else "GET", url)
    assert (reply.status_code, "NUL" in reply.text) == (400, True)


def test_a_packed_body_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps({"input": "x" * 1_000_000}).encode())
    assert client.post("/v1/audio/speech", content=packed, headers=headers).status_code == 400


class Slow:
    """What both engines share: they work until they are told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go_on = threading.Event(), threading.Event()

    def wait(self) -> None:
        """Say that the work is begun, and wait."""
        self.entered.set()
        assert self.go_on.wait(PATIENCE)


class SlowVoice(Slow, ToneSynthesizer):
    """Speaks a piece of a second, then waits."""

    def synthesize(self, utterance: Utterance) -> Audio:
        self.wait()
        return super().synthesize(utterance)

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        whole = ToneSynthesizer().synthesize(utterance)
        for start in range(0, len(whole.samples), 8_000):
            yield Audio(whole.samples[start : start + 8_000], whole.sample_rate)
            self.wait()


class SlowEar(Slow, ToneRecognizer):
    """Hears, but slowly."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.wait()
        return super().transcribe(audio, options)


def _requests(speech: bytes, token: str) -> dict[str, tuple[bytes, bool]]:
    """Name -> the bytes after which the client goes away, and whether an engine is at work by then."""
    spoken = json.dumps({"input": "hello " * 20}).encode()
    events = json.dumps({"input": "hello " * 20, "stream_format": "sse"}).encode()
    whole = json.dumps({"input": "hello", "stream": False}).encode()
    form = _form(speech).replace(speech[:4_000], speech)

    def post(path: str, body: bytes, content_type: str = "application/json") -> bytes:
        lines = (
            f"POST {path} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {token}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    multipart = "multipart/form-data; boundary=b"
    return {
        "in the headers": (post("/v1/audio/speech", spoken)[:60], False),
        "in the body": (post("/v1/audio/speech", spoken)[:-10], False),
        "before the first audio": (post("/v1/audio/speech", whole), True),
        "in the audio": (post("/v1/audio/speech", spoken), True),
        "in the events": (post("/v1/audio/speech", events), True),
        "in the form": (post("/v1/audio/transcriptions", form, multipart)[:-1_000], False),
        "before the transcript": (post("/v1/audio/transcriptions", form, multipart), True),
        "in the simple call": (post("/tts", b'{"text": "hello"}'), True),
        "in the round trip": (post("/v1/roundtrips", b'{"sentences": ["hello", "again"]}'), True),
    }


@pytest.mark.parametrize(
    "stage",
    [
        "in the headers",
        "in the body",
        "before the first audio",
        "in the audio",
        "in the events",
        "in the form",
        "before the transcript",
        "in the simple call",
        "in the round trip",
    ],
)
def test_a_client_may_go_away_at_every_stage(listen: Listen, speech: bytes, stage: str) -> None:
    voice, ear = SlowVoice(), SlowEar()
    live = listen(voice, ear)
    token = live.token("admin")
    content, works = _requests(speech, token)[stage]
    host, port = live.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(content)
        if works:
            for _ in range(20 * PATIENCE):
                if voice.entered.wait(0.025) or ear.entered.wait(0.025):
                    break
            else:
                raise AssertionError("no engine was asked")
    with httpx2.Client(base_url=live.url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as client:
        jobs = _settled(client)
        assert [job["error_code"] for job in jobs] == (["request_cancelled"] if works else [])
        voice.go_on.set()
        ear.go_on.set()
        assert client.post("/v1/audio/speech", json={"input": "next"}).status_code == 200
        heard = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", speech)})
        assert heard.json()["text"] == "今天真高兴"


def _settled(client: httpx2.Client) -> list[Any]:
    """The jobs, once none of them runs any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        jobs: list[Any] = client.get("/v1/jobs").json()["data"]
        if all(job["status"] != "running" for job in jobs):
            return jobs
        time.sleep(0.05)
    raise AssertionError(f"a job goes on: {jobs}")
