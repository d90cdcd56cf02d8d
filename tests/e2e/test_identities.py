"""Many visitors and keys at once, down the same connections: each gets what is its own, and nothing of another's."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2 as httpx
import pytest
from serving import Server

#: More than the server reads ahead of whoever answers.
LARGE = 2**18


@dataclass
class Key:
    """A key of its own."""

    name: str
    id: str
    token: str

    @property
    def line(self) -> str:
        """The header that a request has it in."""
        return f"Authorization: Bearer {self.token}\r\n"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.body)
        return found


class Connection:
    """A connection of which every byte is ours, and so is the time of each."""

    def __init__(self, server: Server) -> None:
        url = httpx.URL(server.url)
        self.socket = socket.create_connection((url.host, url.port or 80), timeout=20)
        self.replies = self.socket.makefile("rb")

    def send(self, *parts: str | bytes) -> None:
        self.socket.sendall(b"".join(part.encode() if isinstance(part, str) else part for part in parts))

    def reply(self) -> Reply | None:
        """The next reply; None where the server has closed the connection."""
        try:
            first = self.replies.readline()
        except ConnectionResetError:
            return None
        if not first:
            return None
        assert first.startswith(b"HTTP/1.1 "), first
        lines = iter(lambda: self.replies.readline().decode("latin-1").strip(), "")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        return self.reply() if status == 100 else Reply(status, headers, self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.replies.read(int(headers.get("content-length", -1)))
        body = b""
        while size := int(self.replies.readline(), 16):
            body += self.replies.read(size)
            self.replies.readline()
        self.replies.readline()
        return body


@contextmanager
def connected(server: Server) -> Iterator[Connection]:
    connection = Connection(server)
    with connection.socket, connection.replies:
        yield connection


@pytest.fixture(scope="module")
def keys(server: Server) -> list[Key]:
    return [_key(server, "transcribe", "speak", "jobs") for _ in range(4)]


def _key(server: Server, *scopes: str) -> Key:
    body = {"name": os.urandom(6).hex(), "scopes": list(scopes)}
    made = httpx.post(f"{server.url}/v1/keys", headers=server.headers, json=body).json()
    return Key(made["name"], made["id"], made["token"])


def me(key: Key) -> str:
    """A request that tells whose it is."""
    return f"GET /v1/me HTTP/1.1\r\nHost: a\r\nX-Request-ID: of-{key.id}\r\n{key.line}\r\n"


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("expects", [False, True])
@pytest.mark.parametrize(
    "refused",
    ["POST /v1/jobs", "POST /v1/nothing", "PUT /v1/me", "POST /sign-in", "POST /nothing", "POST /api/v1/jobs"],
)
def test_a_body_that_nobody_read_is_no_request(
    refused: str, large: bool, chunked: bool, expects: bool, server: Server, keys: list[Key]
) -> None:
    body = me(keys[0]).encode() * (LARGE // 100 if large else 1)
    head = f"{refused} HTTP/1.1\r\nHost: a\r\n" + "Expect: 100-continue\r\n" * expects
    with connected(server) as connection:
        connection.send(head)
        try:
            if chunked:
                connection.send("Transfer-Encoding: chunked\r\n\r\n", f"{len(body):x}\r\n", body, "\r\n0\r\n\r\n")
            else:
                connection.send(f"Content-Length: {len(body)}\r\n\r\n", body)
            connection.send(me(keys[1]))
        except (BrokenPipeError, ConnectionResetError):
            pass
        first, second = connection.reply(), connection.reply()
        assert first is None or 400 <= first.status < 500
        # It may close the connection, but must not take the body for a request.
        assert second is None or second.json["id"] == keys[1].id
        if not expects:
            assert second is not None


def test_requests_sent_at_once_are_answered_in_turn_each_to_its_own_key(server: Server, keys: list[Key]) -> None:
    with connected(server) as connection:
        connection.send(*map(me, keys * 5))
        for key in keys * 5:
            reply = connection.reply()
            assert reply is not None
            assert (reply.json["id"], reply.headers["x-request-id"]) == (key.id, f"of-{key.id}")


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 6\r\n",
    ],
)
def test_a_body_whose_end_can_be_read_in_two_ways_ends_the_connection(
    framing: str, server: Server, keys: list[Key]
) -> None:
    with connected(server) as connection:
        connection.send(f"POST /v1/nothing HTTP/1.1\r\nHost: a\r\n{framing}\r\n", "0\r\n\r\n", me(keys[0]))
        first = connection.reply()
        assert first is None or first.status in (400, 501)
        assert connection.reply() is None


def test_chunks_count_where_a_length_is_told_as_well(server: Server, keys: list[Key]) -> None:
    smuggled = f"0\r\n\r\n{me(keys[0])}".encode()
    with connected(server) as connection:
        framing = f"Content-Length: {len(smuggled)}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send("POST /v1/nothing HTTP/1.1\r\nHost: a\r\n", framing, smuggled)
        first = connection.reply()
        assert first is None or first.status in (400, 404)
        if first is not None and first.status == 404:
            second = connection.reply()
            assert second is None or second.json["id"] == keys[0].id


class Visitor:
    """A browser without scripts, which sends its requests down a connection that others use too."""

    def __init__(self, url: str, key: Key, language: str) -> None:
        self.key, self.language = key, language
        self.done: dict[str, str] = {}
        with httpx.Client(base_url=url, cookies={"language": language}) as browser:
            token = _form_token(browser.get("/sign-in").text)
            sent = browser.post("/sign-in", data={"key": key.token, "csrf_token": token})
            assert sent.status_code == 302, sent.text
            self.token = _form_token(browser.get("/speak").text)
            self.cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie, "X-CSRFToken": self.token}


def _form_token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return found[1]


def _asks_whose_key(client: httpx.Client, visitor: Visitor) -> None:
    mark = os.urandom(6).hex()
    headers = {"Authorization": f"Bearer {visitor.key.token}", "X-Request-ID": mark}
    reply = client.get("/v1/me", headers=headers)
    assert (reply.json()["id"], reply.headers["x-request-id"]) == (visitor.key.id, mark)


def _asks_whose_session(client: httpx.Client, visitor: Visitor) -> None:
    assert client.get("/api/v1/me", headers=visitor.headers).json()["id"] == visitor.key.id


def _looks_at_a_page(client: httpx.Client, visitor: Visitor) -> None:
    page = client.get("/speak", headers=visitor.headers).text
    assert f'title="{visitor.key.id}"' in page
    assert f'<html lang="{visitor.language}' in page


def _sends_much(client: httpx.Client, visitor: Visitor) -> None:
    headers = {**visitor.headers, "Content-Type": "application/json", "Idempotency-Key": "the same of all"}
    body = {"kind": "speech", "input": {"input": visitor.key.name + " " * LARGE}}
    reply = client.post("/api/v1/jobs", json=body, headers=headers)
    assert reply.json()["error"]["code"] == "limit_exceeded", reply.text


def _has_it_done_once(client: httpx.Client, visitor: Visitor) -> None:
    headers = {**visitor.headers, "Idempotency-Key": "the same of all"}
    body = {"kind": "speech", "input": {"input": "same", "model": "espeak", "voice": "en"}}
    job = client.post("/api/v1/jobs", json=body, headers=headers).json()
    assert (job["caller"], visitor.done.setdefault("job", job["id"])) == (visitor.key.id, job["id"])


def _speaks(client: httpx.Client, visitor: Visitor) -> None:
    headers, text = {"Authorization": f"Bearer {visitor.key.token}"}, os.urandom(4).hex()
    body = {"input": text, "model": "espeak", "voice": "en"}
    with client.stream("POST", "/v1/audio/speech", json=body, headers=headers) as spoken:
        assert spoken.status_code == 200
        if random.random() < 0.5:
            return  # the connection goes with the rest of the reply
        spoken.read()
    job = client.get(f"/v1/jobs/{spoken.headers['x-tingshuo-job']}", headers=headers).json()
    assert (job["caller"], job["input_text"], job["status"]) == (visitor.key.id, text, "succeeded")


def _leaves_early(client: httpx.Client, visitor: Visitor) -> None:
    url = client.base_url
    with socket.create_connection((url.host, url.port or 80)) as gone:
        head = "".join(f"{name}: {value}\r\n" for name, value in visitor.headers.items())
        gone.sendall(f"POST /api/v1/jobs HTTP/1.1\r\nHost: a\r\n{head}Content-Length: {LARGE}\r\n\r\n".encode())
        gone.sendall(b"{" + b" " * (LARGE // 2))


def _comes_as_nobody(client: httpx.Client, visitor: Visitor) -> None:
    page = client.get("/sign-in", headers={"Accept-Language": visitor.language}).text
    assert "data-sign-out" not in page
    assert f'<html lang="{visitor.language}' in page
    assert client.post("/api/v1/jobs", content=bytes(LARGE)).status_code == 401
    assert client.get("/v1/me").status_code == 401


VISITS: list[Callable[[httpx.Client, Visitor], None]] = [
    _asks_whose_key,
    _asks_whose_session,
    _looks_at_a_page,
    _sends_much,
    _has_it_done_once,
    _speaks,
    _leaves_early,
    _comes_as_nobody,
]


def test_visitors_who_share_connections_share_nothing_else(server: Server, keys: list[Key]) -> None:
    visitors = [Visitor(server.url, key, ("en", "zh")[number % 2]) for number, key in enumerate(keys)]
    until = time.monotonic() + 3

    def work(seed: int) -> int:
        chance, count = random.Random(seed), 0
        # Two threads take turns with each connection.
        client = clients[seed % len(clients)]
        while time.monotonic() < until:
            chance.choice(VISITS)(client, chance.choice(visitors))
            count += 1
        return count

    one, no_cookies = httpx.Limits(max_connections=1), CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    clients = [httpx.Client(base_url=server.url, timeout=30, limits=one, cookies=no_cookies) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(work, range(8)))
    for client in clients:
        client.close()
    assert min(done) > 3
