"""Who may connect: peers, proxies, forged headers, websockets, and settings that must stop the start."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from tingshuo.allowlist import AllowList, client_address, parse_address
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings, load_settings


async def _scheme(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.scheme)


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("in")
    await socket.close()


def _client(peer: str, **settings: str) -> TestClient:
    app = Starlette(routes=[Route("/", _scheme), WebSocketRoute("/ws", _echo)])
    return TestClient(AllowList(app, load_settings(**settings)), client=(peer, 50_000))


OFFICE = "10.1.0.0/16, 2001:db8::/32, 192.168.1.7"
PROXIES = "127.0.0.1, ::1, 10.9.9.0/24"


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("10.1.2.3", 200),
        ("10.2.0.1", 403),
        ("192.168.1.7", 200),
        ("192.168.1.8", 403),
        ("2001:db8::5", 200),
        ("2001:db9::5", 403),
        ("::ffff:10.1.2.3", 200),  # IPv4 through an IPv6 socket
        ("::ffff:10.2.0.1", 403),
        ("fe80::1%eth0", 403),
        ("127.0.0.1", 403),
        ("testclient", 403),  # no address at all
        ("", 403),
    ],
)
def test_only_listed_peers_may_connect(peer: str, status: int) -> None:
    assert _client(peer, allowed_ips=OFFICE).get("/").status_code == status


@pytest.mark.parametrize("peer", ["10.2.0.1", "testclient", "2001:db9::5"])
def test_without_a_list_everybody_may(peer: str) -> None:
    assert _client(peer).get("/").status_code == 200


@pytest.mark.parametrize(
    ("network", "peer", "status"),
    [
        ("192.168.1.7/24", "192.168.1.200", 200),  # host bits are ignored
        ("::ffff:10.0.0.0/104", "10.200.0.1", 200),
        ("::ffff:10.0.0.0/104", "11.0.0.1", 403),
        ("2001:db8::1", "2001:db8::1", 200),  # one address, not a /32
        ("2001:db8::1", "2001:db8::2", 403),
        ("0.0.0.0/0", "8.8.8.8", 200),
        ("0.0.0.0/0", "2001:db8::1", 403),
        ("::/0", "2001:db8::1", 200),
    ],
)
def test_networks_mean_what_they_say(network: str, peer: str, status: int) -> None:
    assert _client(peer, allowed_ips=network).get("/").status_code == status


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", ["10.1.2.3"], 200),
        ("::ffff:127.0.0.1", ["10.1.2.3"], 200),
        ("127.0.0.1", ["8.8.8.8"], 403),
        ("8.8.8.8", ["10.1.2.3"], 403),  # not a proxy of ours: what it forwards is a claim
        ("10.1.2.3", ["8.8.8.8"], 200),
        ("127.0.0.1", ["10.1.2.3, 8.8.8.8"], 403),  # the left part is what the client wrote
        ("127.0.0.1", ["8.8.8.8, 10.1.2.3"], 200),
        ("127.0.0.1", ["10.1.2.3, 10.9.9.1"], 200),  # two proxies
        ("127.0.0.1", ["8.8.8.8, 10.9.9.1"], 403),
        ("127.0.0.1", ["10.1.2.3", "10.9.9.1"], 200),  # two headers
        ("127.0.0.1", ["10.1.2.3", "8.8.8.8"], 403),
        ("127.0.0.1", ["10.1.2.3:4711"], 200),
        ("127.0.0.1", ["[2001:db8::5]:4711"], 200),
        ("127.0.0.1", ["[2001:db8::5]"], 200),
        ("127.0.0.1", ["2001:db8::5"], 200),
        ("127.0.0.1", ["::ffff:10.1.2.3"], 200),
        ("127.0.0.1", ["10.1.2.3, unknown"], 403),
        ("127.0.0.1", ["10.1.2.3,"], 403),
        ("127.0.0.1", [""], 403),
        ("127.0.0.1", ["10.1.2.3;x"], 403),
        ("127.0.0.1", ["[10.1.2.3"], 403),
        ("127.0.0.1", ["10.1.2.3:x"], 403),
        ("127.0.0.1", ["010.1.2.3"], 403),
        ("127.0.0.1", ["10.1.2"], 403),
        ("127.0.0.1", ["unknown, 10.1.2.3"], 200),  # never looked at
        ("127.0.0.1", [], 403),  # the proxy itself is not on the list
        ("127.0.0.1", ["10.9.9.1"], 403),  # proxies alone
    ],
)
def test_forwarded_addresses_are_believed_from_the_right_and_from_proxies_alone(
    peer: str, forwarded: list[str], status: int
) -> None:
    client = _client(peer, allowed_ips=OFFICE, trusted_proxies=PROXIES)
    headers = [("X-Forwarded-For", value) for value in forwarded]
    assert client.get("/", headers=headers).status_code == status


def test_a_refusal_is_in_the_envelope() -> None:
    reply = _client("8.8.8.8", allowed_ips=OFFICE).get("/")
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["code"]) == (403, "permission_error", "permission_denied")
    assert error["param"] is None
    assert "TINGSHUO_ALLOWED_IPS" in error["message"]


def test_websockets_are_held_to_the_list() -> None:
    with _client("10.1.2.3", allowed_ips=OFFICE).websocket_connect("/ws") as socket:
        assert socket.receive_text() == "in"
    refused = _client("8.8.8.8", allowed_ips=OFFICE)
    with pytest.raises(WebSocketDisconnect) as caught, refused.websocket_connect("/ws"):
        pass
    assert caught.value.code == 1008


@pytest.mark.anyio
@pytest.mark.parametrize(("allowed", "status"), [("10.0.0.0/8", 403), ("", 200)])
async def test_a_unix_socket_has_no_address_and_is_refused_where_there_is_a_list(allowed: str, status: int) -> None:
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "client": None}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("in"))])
    await AllowList(app, load_settings(allowed_ips=allowed))(scope, receive, send)
    assert sent[0]["status"] == status


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that uvicorn uses."""
    return "asyncio"


def test_the_scheme_is_believed_from_a_proxy_alone() -> None:
    https = {"X-Forwarded-Proto": "https"}
    assert _client("127.0.0.1", trusted_proxies=PROXIES).get("/", headers=https).text == "https"
    assert _client("8.8.8.8", trusted_proxies=PROXIES).get("/", headers=https).text == "http"
    assert _client("127.0.0.1", trusted_proxies=PROXIES).get("/", headers={"X-Forwarded-Proto": "x"}).text == "http"


@pytest.mark.parametrize("name", ["allowed_ips", "trusted_proxies"])
@pytest.mark.parametrize("value", ["10.0.0.0/33", "10.1.2.3, x", "localhost", "10.0.0.1 10.0.0.2", ",", " "])
def test_a_list_that_cannot_be_read_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"TINGSHUO_{name.upper()}"):
        load_settings(**{name: value})


def test_an_empty_file_does_not_come_to_mean_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ips").write_text("\n")
    monkeypatch.setenv("TINGSHUO_ALLOWED_IPS_FILE", str(tmp_path / "ips"))
    with pytest.raises(ConfigurationError, match="TINGSHUO_ALLOWED_IPS_FILE"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "address"),
    [(" 1.2.3.4 ", "1.2.3.4"), ("1.2.3.4:80", "1.2.3.4"), ("[::1]:80", "::1"), ("::ffff:1.2.3.4", "1.2.3.4")],
)
def test_an_address_is_read_with_port_and_brackets(text: str, address: str) -> None:
    assert parse_address(text) == ipaddress.ip_address(address)


def test_a_long_chain_of_proxies_is_walked_to_its_end() -> None:
    proxies = Settings(trusted_proxies="10.0.0.0/8").trusted_proxies  # type: ignore[arg-type]
    hops = ["1.2.3.4", *["10.0.0.1"] * 1000]
    found: Any = client_address(ipaddress.ip_address("10.0.0.2"), [", ".join(hops)], proxies)
    assert str(found) == "1.2.3.4"
