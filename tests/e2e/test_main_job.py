"""What a stranger does first: speak with emotion, hear it back, look at the history. Real engines throughout."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from openai import OpenAI
from serving import Server, clean_environment, running, tingshuo

SENTENCE = "今天天气真好，我们去公园吧。"


@pytest.fixture(scope="module")
def client(server: Server) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0)


@pytest.fixture(scope="module")
def angry(server: Server) -> bytes:
    body = {"model": "espeak", "voice": "cmn", "input": SENTENCE, "emotion": "angry"}
    reply = httpx.post(f"{server.url}/v1/audio/speech", json=body, headers=server.headers, timeout=60)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "audio/mpeg"
    return bytes(reply.content)


def test_angry_speech_is_heard_as_that_text_and_as_angry(server: Server, angry: bytes) -> None:
    form = {"model": "sensevoice", "response_format": "verbose_json"}
    files = {"file": ("angry.mp3", angry)}
    url = f"{server.url}/v1/audio/transcriptions"
    reply = httpx.post(url, data=form, files=files, headers=server.headers, timeout=120)
    heard = reply.json()
    assert "今天天气" in heard["text"]
    segment = heard["segments"][0]["tingshuo"]
    assert segment["language"] == "zh"
    assert segment["emotion"]["label"] == "angry"
    assert sum(segment["emotion"]["scores"].values()) == pytest.approx(1, abs=0.01)
    assert 0 <= heard["segments"][0]["start"] < heard["segments"][0]["end"] <= heard["duration"] + 0.01


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "verbose_json", "vtt"])
def test_the_openai_package_reads_every_format(client: OpenAI, angry: bytes, response_format: str) -> None:
    heard = client.audio.transcriptions.create(  # type: ignore[call-overload]
        model="whisper-1", file=("angry.mp3", io.BytesIO(angry)), response_format=response_format
    )
    assert "今天" in (heard if isinstance(heard, str) else heard.text)


def test_the_openai_package_speaks(client: OpenAI) -> None:
    spoken = client.audio.speech.create(
        model="tts-1", voice="alloy", input="你好", response_format="wav", extra_body={"emotion": "happy"}
    )
    assert spoken.content[:4] == b"RIFF"


def test_a_fresh_machine_speaks_with_the_starter_voice(server: Server, client: OpenAI) -> None:
    client.audio.speech.create(model="tts-1", voice="alloy", input="再见", response_format="wav")
    jobs = httpx.get(f"{server.url}/v1/jobs", headers=server.headers, params={"kind": "speech"}).json()["data"]
    assert jobs[0]["engine"] == "sambert_hifigan"
    voices = httpx.get(f"{server.url}/v1/audio/voices", headers=server.headers).json()["voices"]
    assert (voices[0]["id"], voices[0]["languages"]) == ("starter", ["zh", "en"])
    assert "espeak" in {voice["model"] for voice in voices}


def test_both_directions_are_in_the_history(server: Server, angry: bytes) -> None:
    jobs = httpx.get(f"{server.url}/v1/jobs", headers=server.headers).json()["data"]
    done = {job["kind"] for job in jobs if job["status"] == "succeeded"}  # other tests hang up on the same server
    assert done == {"speech", "transcription"}


def test_ready_says_plainly_that_the_starter_model_is_in_use(server: Server) -> None:
    ready = httpx.get(f"{server.url}/readyz")
    assert ready.status_code == 200
    assert "starter" in ready.text


def test_the_tutorial_form_gives_a_url_that_works_without_a_key(server: Server) -> None:
    body = {"text": "你好，世界", "emotion": "happy", "speed": 1.2}
    reply = httpx.post(f"{server.url}/tts", json=body, headers=server.headers, timeout=60).json()
    assert reply["status"] == "success"
    audio = httpx.get(reply["audio_url"])
    assert audio.status_code == 200
    assert audio.content[:4] == b"RIFF"
    assert reply["duration"] > 0.3


def test_a_named_model_that_is_not_there_ends_the_start_with_the_command_that_brings_it(tmp_path: Path) -> None:
    for variable in ("TINGSHUO_SENSEVOICE_MODEL", "TINGSHUO_SENSEVOICE_VAD_MODEL"):
        environment = {**clean_environment(tmp_path / "data"), variable: "nobody/nothing"}
        ended = subprocess.run(
            tingshuo("serve", "--port", "0"), env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        assert "sensevoice: model nobody/nothing is not on this machine" in ended.stderr
        assert "tingshuo models pull nobody/nothing" in ended.stderr
        assert "ts-" not in ended.stdout


def test_a_request_for_an_engine_that_cannot_load_says_why_and_the_others_work(tmp_path: Path) -> None:
    with running(tmp_path / "data", TINGSHUO_SENSEVOICE_DEVICE="cuda:9") as server:
        said = httpx.post(
            f"{server.url}/v1/audio/speech",
            json={"model": "espeak", "input": "你好", "response_format": "wav"},
            headers=server.headers,
        )
        files = {"file": ("a.wav", said.content)}
        url = f"{server.url}/v1/audio/transcriptions"
        reply = httpx.post(url, data={"model": "sensevoice"}, files=files, headers=server.headers)
    assert said.status_code == 200
    assert reply.status_code == 503
    assert "TINGSHUO_SENSEVOICE_DEVICE=cuda:9" in reply.json()["error"]["message"]


def test_a_killed_server_leaves_a_readable_history_and_a_reason(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running(data_dir, TINGSHUO_LEASE_SECONDS="2") as server:
        speech = {"model": "espeak", "voice": "cmn", "input": SENTENCE * 100, "response_format": "mp3"}
        url = f"{server.url}/v1/audio/speech"

        def speak() -> None:
            with pytest.raises(httpx.TransportError):
                httpx.post(url, json=speech, headers=server.headers, timeout=60)

        def running_jobs() -> list[object]:
            reply = httpx.get(f"{server.url}/v1/jobs?status=running", headers=server.headers)
            return list(reply.json()["data"])

        caller = threading.Thread(target=speak)
        caller.start()
        deadline = time.monotonic() + 30
        while not running_jobs() and time.monotonic() < deadline:
            pass
        os.kill(server.process.pid, signal.SIGKILL)
        caller.join(60)
        key = server.key
    with running(data_dir, key, TINGSHUO_LEASE_SECONDS="2") as restarted:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            job = httpx.get(f"{restarted.url}/v1/jobs", headers=restarted.headers).json()["data"][0]
            if job["status"] != "running":
                break
            time.sleep(0.2)
        assert job["status"] == "failed"
        assert "interrupted" in job["error_message"]


def test_the_command_line_speaks_and_hears(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "data")
    wav = tmp_path / "happy.wav"
    say = tingshuo("say", SENTENCE, "--engine", "espeak", "--voice", "cmn", "--emotion", "happy", "-o", str(wav))
    subprocess.run(say, env=environment, check=True)
    listen = tingshuo("transcribe", str(wav), "--format", "json", "--no-progress")
    heard = json.loads(subprocess.run(listen, env=environment, check=True, capture_output=True, text=True).stdout)
    assert "今天天气" in heard["text"]
    assert heard["language"] == "zh"
    assert heard["segments"][0]["emotion"]["label"] == "happy"
    assert heard["segments"][0]["timing"] == "model"
