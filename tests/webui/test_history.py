"""The history in a real browser: search, listening, repeating with other parameters, deleting, batches, webhooks."""

from __future__ import annotations

import base64
import http.server
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from playwright.sync_api import Page, expect
from serving import Server, free_port, running

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
RECEIVER = free_port()
MS = 60_000


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that keeps audio and may send webhooks to this machine."""
    settings = {
        "TINGSHUO_KEEP_AUDIO": "all",
        "TINGSHUO_WEBHOOK_HOSTS": f"127.0.0.1:{RECEIVER}",
        "TINGSHUO_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "TINGSHUO_WEBHOOK_SECRET": f"whsec_{base64.b64encode(bytes(range(32))).decode()}",
    }
    with running(tmp_path_factory.mktemp("history") / "data", **settings) as started:
        yield started


@pytest.fixture(scope="module")
def receiver() -> Iterator[int]:
    """A port of this machine that takes webhooks."""

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    taking = http.server.ThreadingHTTPServer(("127.0.0.1", RECEIVER), Taking)
    threading.Thread(target=taking.serve_forever, daemon=True).start()
    yield RECEIVER
    taking.shutdown()
    taking.server_close()


def _ended(server: Server, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    for _ in range(600):
        job: dict[str, Any] = httpx.get(f"{server.url}/v1/jobs/{job_id}", headers=server.headers).json()
        if job["status"] not in ("queued", "running"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"{job_id} is still {job['status']}")


def _queued(server: Server, recording: Path, name: str = "call.wav", **fields: str) -> dict[str, Any]:
    """A recording transcribed through the queue."""
    files = {"file": (name, recording.read_bytes())}
    data = {"kind": "transcription", **fields}
    reply = httpx.post(f"{server.url}/v1/jobs", headers=server.headers, data=data, files=files, timeout=60)
    assert reply.status_code == 202, reply.text
    return _ended(server, reply.json()["id"])


def _spoken(server: Server, text: str, **more: object) -> str:
    body = {"model": "espeak", "voice": "cmn", "input": text, "response_format": "wav", **more}
    reply = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
    assert reply.status_code == 200, reply.text
    return str(reply.headers["x-tingshuo-job"])


def test_jobs_are_searched_and_narrowed_down(page: Page, server: Server) -> None:
    job = _spoken(server, "编号四十二的句子", emotion="sad")
    other = _spoken(server, "别的话", emotion="happy")
    page.goto("/history")
    page.fill("#q", "四十二")
    page.click("button.main")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("编号四十二的句子")
    page.get_by_text("Narrow down").click()
    page.fill("#q", "")
    for name, value in (("kind", "speech"), ("emotion", "happy"), ("engine", "espeak"), ("status", "succeeded")):
        page.select_option(f"#{name}", value)
    page.click("button.main")
    expect(page.locator(f'input[value="{other}"]')).to_be_visible()
    expect(page.locator(f'input[value="{job}"]')).to_have_count(0)
    expect(page.locator("#emotion")).to_have_value("happy")  # what is chosen stays
    page.select_option("#kind", "roundtrip")
    page.click("button.main")
    expect(page.locator(".empty")).to_have_text("Nothing matches.")


def test_a_job_is_listened_to_from_its_row(page: Page, server: Server) -> None:
    _spoken(server, "请听")
    page.goto("/history?kind=speech")
    audio = page.locator("tbody audio").first
    audio.evaluate(
        "audio => new Promise((heard) => {"
        " audio.ontimeupdate = () => audio.currentTime > 0.1 && heard(); audio.play(); })"
    )
    assert audio.evaluate("audio => audio.error") is None


def test_a_speech_is_repeated_with_another_emotion(page: Page, server: Server) -> None:
    job = _spoken(server, "再来一次")
    page.goto(f"/jobs/{job}/again")
    expect(page.locator("#input")).to_have_value("再来一次")
    page.select_option("#emotion", "sad")
    page.fill("#speed", "0.8")
    page.get_by_role("button", name="Do it again").click()
    page.wait_for_url(re.compile(r"/jobs/job_[0-9a-f]+$"))
    again = _ended(server, page.url.rpartition("/")[2])
    assert again["status"] == "succeeded", again
    assert again["id"] != job
    assert (again["parameters"]["emotion"], again["parameters"]["speed"]) == ("sad", 0.8)
    assert again["input_text"] == "再来一次"


def test_a_transcription_is_repeated_in_another_language(page: Page, server: Server, call: Path) -> None:
    job = _queued(server, call, language="zh")
    page.goto(f"/jobs/{job['id']}/again")
    expect(page.locator("#language")).to_have_value("zh")
    page.select_option("#language", "auto")
    page.get_by_role("button", name="Do it again").click()
    page.wait_for_url(re.compile(r"/jobs/job_[0-9a-f]+$"))
    again = _ended(server, page.url.rpartition("/")[2])
    assert (again["status"], again["replay_of"]) == ("succeeded", job["id"])
    assert again["parameters"]["language"] == "auto"


def test_what_the_api_refuses_is_told_beside_what_was_entered(server: Server, visit: Callable[[str], Any]) -> None:
    job = _spoken(server, "原来的话")
    visitor = visit(server.key)
    form = {"input": f"新的话 {HOSTILE}", "voice": "espeak/nobody", "emotion": "sad", "speed": "1"}
    reply = visitor.form(f"/jobs/{job}/again", form)
    assert reply.status_code in (400, 404), reply.text
    assert 'class="problem"' in reply.text
    assert "新的话 &lt;script&gt;" in reply.text
    assert visitor.form(f"/jobs/{job}/again", {**form, "speed": "fast"}).status_code == 400


def test_chosen_jobs_are_deleted_once_somebody_is_sure(page: Page, server: Server) -> None:
    jobs = [_spoken(server, text) for text in ("删一", "删二", "留下")]
    page.goto("/history")
    for job in jobs[:2]:
        page.check(f'input[value="{job}"]')
    page.get_by_role("button", name="Delete what is chosen").click()
    expect(page.locator("main")).to_contain_text("2")
    assert httpx.get(f"{server.url}/v1/jobs/{jobs[0]}", headers=server.headers).status_code == 200  # not yet
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("[role=alert]")).to_have_text("Jobs deleted: 2.")
    left = [httpx.get(f"{server.url}/v1/jobs/{job}", headers=server.headers).status_code for job in jobs]
    assert left == [404, 404, 200]
    page.get_by_role("button", name="Delete what is chosen").click()
    expect(page.locator("[role=alert]")).to_have_text("Choose jobs first.")


def test_a_job_is_deleted_from_its_page_after_a_second_press(page: Page, server: Server) -> None:
    job = _spoken(server, "不要了")
    page.goto(f"/jobs/{job}")
    page.locator("details.confirm summary").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/history")
    assert httpx.get(f"{server.url}/v1/jobs/{job}", headers=server.headers).status_code == 404


def test_a_batch_shows_how_far_it_is_without_a_reload(page: Page, server: Server, call: Path) -> None:
    files = [("files", (f"{number}.wav", call.read_bytes())) for number in range(3)]
    data = {"kind": "transcription"}
    made = httpx.post(f"{server.url}/v1/batches", headers=server.headers, data=data, files=files, timeout=60)
    assert made.status_code == 202, made.text
    page.goto("/batches")
    row = page.locator("tbody tr").first
    expect(row.locator('[data-count="succeeded"]')).to_have_text("3", timeout=MS)
    expect(row.locator("progress")).to_have_attribute("value", "1")
    row.locator("a").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_a_webhook_is_listed_until_it_was_delivered(page: Page, server: Server, call: Path, receiver: int) -> None:
    url = f"http://127.0.0.1:{receiver}/told?a=1&b='%3Cscript%3E'"
    job = _queued(server, call, webhook=url)
    for _ in range(300):
        told = httpx.get(f"{server.url}/v1/webhooks/deliveries", headers=server.headers).json()["data"]
        if told and told[0]["status"] == "delivered":
            break
        time.sleep(0.1)
    page.goto("/deliveries")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text(url)
    expect(row.locator(".badge")).to_have_text("delivered")
    expect(row).to_contain_text("204")
    assert row.locator("a").get_attribute("href") == f"/jobs/{job['id']}"


def test_hostile_names_and_texts_stay_text(page: Page, server: Server, call: Path) -> None:
    _queued(server, call, name=f"a{HOSTILE.replace('/', '')}.wav")
    _spoken(server, f"你好 {HOSTILE}")
    page.on("dialog", lambda _: pytest.fail("a script of a user ran"))
    for path in ("/history", f"/history?q={HOSTILE}", f"/history?caller={HOSTILE}", "/calls"):
        page.goto(path)
        assert page.locator("main script, main img").count() == 0
    page.goto("/history?kind=transcription")
    expect(page.locator("tbody")).to_contain_text("<img src=x onerror=alert(1)>")


def test_a_key_sees_its_own_history_and_no_callers(
    server: Server, visit: Callable[[str], Any], key: Callable[..., tuple[str, str]]
) -> None:
    job = _spoken(server, "管理员的话")
    visitor = visit(key("jobs", "speak")[1])
    text = visitor.get("/history").text
    assert job not in text
    assert 'id="caller"' not in text
    assert visitor.get(f"/jobs/{job}/again").status_code == 404
    reply = visitor.form("/history/delete", {"job": [job], "sure": "yes"}, page="/history")
    assert "Jobs deleted: 0." in reply.text
    assert httpx.get(f"{server.url}/v1/jobs/{job}", headers=server.headers).status_code == 200


@pytest.mark.parametrize("path", ["/history/delete", "/jobs/job_1/again", "/batches/batch_1/cancel"])
def test_a_form_without_its_token_changes_nothing(path: str, server: Server, visit: Callable[[str], Any]) -> None:
    assert visit(server.key).post(path, data={"job": "job_1", "sure": "yes"}).status_code == 400


def test_pages_of_the_list_go_on_where_they_ended(server: Server, visit: Callable[[str], Any]) -> None:
    made = {_spoken(server, f"第{number}句") for number in range(51)}
    visitor = visit(server.key)
    first = visitor.get("/history?kind=speech&q=句").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following
    second = visitor.get(following[1].replace("&amp;", "&")).text
    shown = [set(re.findall(r'name="job" value="(job_\w+)"', text)) for text in (first, second)]
    assert shown[0] & shown[1] == set()
    assert made <= shown[0] | shown[1]
