"""Webhooks: signed, sent until they arrive, and only where they may go."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from job_site import Site

from tingshuo import webhooks
from tingshuo.db import Delivery
from tingshuo.errors import ConfigurationError, InvalidRequest
from tingshuo.filters import JobFilter
from tingshuo.queues import rows
from tingshuo.settings import Settings, load_settings
from tingshuo.submission import Submission, Terms, Wish
from tingshuo.webhook_targets import check_target, resolve

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


class Receiver:
    """A server that answers with the next of `answers`, and 200 after that."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handle(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handle)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(params=["local-sqlite", "celery-postgresql"])
def hooked(request: pytest.FixtureRequest, make_site: Callable[..., Site], receiver: Receiver) -> Site:
    """A site that may send to the receiver."""
    return make_site(
        request.param, webhook_hosts=[receiver.host], webhook_networks="127.0.0.0/8", webhook_secret=SECRET
    )


def _delivered(site: Site, job_id: str, status: str = "delivered") -> Delivery:
    deadline = time.monotonic() + 60
    while True:
        found = webhooks.page(site.settings, None, job_id, None, 10)
        if found and found[0].status == status:
            return found[0]
        assert time.monotonic() < deadline, [(row.status, row.last_error) for row in found]
        time.sleep(0.02)


def test_the_end_of_a_job_is_told_with_a_signature(hooked: Site, receiver: Receiver) -> None:
    hooked.work()
    job_id = hooked.say(webhook=f"http://{receiver.host}/hook?a=1")
    delivery = _delivered(hooked, job_id)
    ((headers, body),) = receiver.received
    told = json.loads(body)
    assert (told["type"], told["data"]["id"], told["data"]["status"]) == ("job.succeeded", job_id, "succeeded")
    assert "hello" not in body.decode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, signed, "sha256").digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["host"] == receiver.host
    assert (delivery.id, delivery.attempts, delivery.last_status_code) == (headers["webhook-id"], 1, 200)


def test_what_does_not_arrive_is_sent_again_with_the_same_id(
    make_site: Callable[..., Site], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_FIRST_PAUSE", 0.05)
    site = make_site(
        webhook_hosts=[receiver.host], webhook_networks="127.0.0.0/8", webhook_secret=SECRET, webhook_attempts=3
    )
    receiver.answers = [500, 302]
    site.work()
    delivery = _delivered(site, site.say(webhook=f"http://{receiver.host}/"))
    assert (delivery.attempts, len(receiver.received)) == (3, 3)
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1
    receiver.answers = [500] * 3
    failed = _delivered(site, site.say(webhook=f"http://{receiver.host}/"), "failed")
    assert (failed.attempts, failed.last_status_code, failed.last_error) == (3, 500, "the receiver answered 500")


def test_a_receiver_that_never_ends_its_answer_keeps_nobody_waiting(
    make_site: Callable[..., Site], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "LONGEST", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as endless:
        host = f"127.0.0.1:{endless.getsockname()[1]}"
        thread = threading.Thread(target=_drip, args=(endless,))
        thread.start()
        site = make_site(
            webhook_hosts=[host, receiver.host],
            webhook_networks="127.0.0.0/8",
            webhook_secret=SECRET,
            webhook_attempts=1,
        )
        site.work()
        failed = _delivered(site, site.say(webhook=f"http://{host}/"), "failed")
        assert failed.last_status_code is None
        _delivered(site, site.say(webhook=f"http://{receiver.host}/"))
        thread.join()


def _drip(listener: socket.socket) -> None:
    """Answer one connection with a status line that does not end, until the other side is gone."""
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)


def _batch(site: Site, receiver: Receiver, *texts: str) -> tuple[str, list[str]]:
    """Queue a batch of speeches with a webhook; its id and those of its jobs."""
    wishes = [Wish({"input": text, "response_format": "wav"}) for text in texts]
    terms = Terms(webhook=f"http://{receiver.host}/", max_attempts=1)
    batch, _ = Submission(site.settings, site.engines, "key_a").batch("speech", wishes, terms)
    for plane in site.planes:
        plane.notify()
    jobs = [job.id for job in site.history.list(JobFilter(batch=batch.id))]
    assert len(jobs) == len(texts)
    return batch.id, jobs


def _types(receiver: Receiver) -> list[str]:
    return sorted(json.loads(body)["type"] for _, body in receiver.received)


def test_the_end_of_a_batch_is_told_once_whoever_ends_last(hooked: Site, receiver: Receiver) -> None:
    batch, jobs = _batch(hooked, receiver, "one", "broken", *["hello"] * 6)
    hooked.work(threads=4)
    delivery = _delivered(hooked, batch)
    told = json.loads(delivery.payload)
    assert told["type"] == "batch.completed"
    counts = {"succeeded": 7, "failed": 1, "cancelled": 0}
    assert told["data"] == {"object": "batch", "id": batch, "kind": "speech", "total": 8, "counts": counts}
    for job in jobs:
        _delivered(hooked, job)
    assert _types(receiver) == ["batch.completed", "job.failed", *["job.succeeded"] * 7]
    (headers,) = [headers for headers, body in receiver.received if b"batch.completed" in body]
    assert headers["webhook-id"] == delivery.id


def test_a_batch_of_which_jobs_are_cancelled_or_deleted_ends_too(hooked: Site, receiver: Receiver) -> None:
    batch, jobs = _batch(hooked, receiver, "one", "two", "three")
    rows.cancel(hooked.settings, jobs[0])
    hooked.history.delete(jobs[1])
    assert webhooks.page(hooked.settings, None, batch, None, 10) == []
    rows.cancel(hooked.settings, jobs[2])
    hooked.history.delete(jobs[2])
    (delivery,) = webhooks.page(hooked.settings, None, batch, None, 10)
    assert json.loads(delivery.payload)["data"]["counts"] == {"succeeded": 0, "failed": 0, "cancelled": 2}
    other, (last,) = _batch(hooked, receiver, "alone")
    hooked.history.delete(last)
    assert len(webhooks.page(hooked.settings, None, other, None, 10)) == 1


def test_a_failed_and_a_cancelled_job_are_told_too(make_site: Callable[..., Site], receiver: Receiver) -> None:
    site = make_site(webhook_hosts=[receiver.host], webhook_networks="127.0.0.0/8", webhook_secret=SECRET)
    url = f"http://{receiver.host}/"
    cancelled = site.say(webhook=url)
    rows.cancel(site.settings, cancelled)
    broken = site.say("broken", webhook=url, max_attempts=1)
    site.work()
    assert json.loads(_delivered(site, cancelled).payload)["type"] == "job.cancelled"
    assert json.loads(_delivered(site, broken).payload)["data"]["error_code"] == "engine_failed"


def _settings(**changes: Any) -> Settings:
    defaults = {"webhook_hosts": "hooks.example.com,crm.lan:8443,localhost,127.0.0.1:80", "webhook_secret": SECRET}
    return load_settings(**{**defaults, **changes})


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://hooks.example.com:8443/",
        "https://crm.lan/",
        "https://hooks.example.com@evil.example.com/",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com\\@evil.example.com/",
        "https://hooks.example.com#@evil.example.com/",
        "file:///etc/passwd",
        "//hooks.example.com/",
        "https://hooks.example.com/a\r\nHost: x",
        "https://hooks.example.com:99999/",
        "",
    ],
)
def test_a_url_that_is_not_configured_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_target(_settings(), url)
    assert caught.value.param == "webhook"


def test_a_configured_url_is_taken_apart() -> None:
    target = check_target(_settings(), "https://HOOKS.example.com/a?b=c")
    assert (target.host, target.port, target.path, target.authority) == (
        "hooks.example.com",
        443,
        "/a?b=c",
        "hooks.example.com",
    )
    assert check_target(_settings(), "https://crm.lan:8443").authority == "crm.lan:8443"


@pytest.mark.parametrize("url", ["https://localhost/", "http://localhost/", "http://127.0.0.1/"])
def test_a_private_address_needs_its_network_to_be_configured(url: str) -> None:
    with pytest.raises(InvalidRequest, match="TINGSHUO_WEBHOOK_NETWORKS"):
        resolve(_settings(), check_target(_settings(), url))
    allowed = _settings(webhook_networks="127.0.0.0/8,::1")
    assert resolve(allowed, check_target(allowed, url)) in ("127.0.0.1", "::1")


@pytest.mark.parametrize("secret", ["whsec_!!", "whsec_c2hvcnQ=", "geheim"])
def test_a_secret_that_is_none_stops_the_start(make_site: Callable[..., Site], secret: str) -> None:
    site = make_site(webhook_hosts=["hooks.example.com"], webhook_secret=secret)
    with pytest.raises(ConfigurationError, match="TINGSHUO_WEBHOOK_SECRET"):
        site.work()


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example of the specification's own libraries.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = webhooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
