"""Who gets in, with which rights, and what a hostile visitor gets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import httpx2 as httpx
import pytest
from serving import Server

PAGES = ("/", "/speak", "/lab", "/history", "/batches", "/deliveries", "/calls", "/admin/")


@pytest.mark.parametrize("path", [*PAGES, "/jobs/job_000000000000000000000000000000"])
def test_a_page_asks_a_stranger_to_sign_in_and_comes_back(path: str, server: Server) -> None:
    reply = httpx.get(server.url + path)
    assert reply.status_code == 302
    assert reply.headers["location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_a_key_that_may(path: str, server: Server, visit: Callable[[str], httpx.Client]) -> None:
    assert visit(server.key).get(path).status_code == 200


@pytest.mark.parametrize("key", ["", "ts-wrong", "schlüssel", "x" * 10_000, "ts-a\r\nX-Evil: 1"])
def test_a_wrong_key_is_refused_with_words(key: str, visit: Callable[[str], httpx.Client]) -> None:
    reply = visit("").form("/sign-in", {"key": key})  # type: ignore[attr-defined]
    assert reply.status_code in {400, 401}
    assert 'role="alert"' in reply.text


def test_a_key_sees_only_what_its_scopes_allow(
    visit: Callable[[str], httpx.Client], key: Callable[..., tuple[str, str]]
) -> None:
    visitor = visit(key("speak")[1])
    assert visitor.get("/speak").status_code == 200
    assert {path: visitor.get(path).status_code for path in ("/lab", "/history", "/calls", "/admin/")} == {
        "/lab": 403,
        "/history": 403,
        "/calls": 403,
        "/admin/": 403,
    }
    assert "/admin/" not in visitor.get("/speak").text
    assert visitor.get("/api/v1/keys").status_code == 403


def test_a_session_ends_when_its_key_is_revoked(
    server: Server, visit: Callable[[str], httpx.Client], key: Callable[..., tuple[str, str]]
) -> None:
    key_id, token = key("speak", "transcribe", "jobs")
    visitor = visit(token)
    assert "History" in visitor.get("/history").text
    httpx.delete(f"{server.url}/v1/keys/{key_id}", headers=server.headers).raise_for_status()
    reply = visitor.get("/history")
    assert reply.url.path == "/sign-in"
    assert visitor.get("/api/v1/jobs").status_code == 401


def test_signing_out_ends_the_session_on_the_server(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    stolen = visitor.cookies["tingshuo_session"]
    visitor.form("/sign-out", {}, page="/")  # type: ignore[attr-defined]
    reply = httpx.get(f"{server.url}/history", cookies={"tingshuo_session": stolen})
    assert reply.status_code == 302


def test_a_session_id_from_before_signing_in_is_worth_nothing(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        page = client.get("/sign-in").text
        planted = client.cookies["tingshuo_session"]
        token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
        client.post("/sign-in", data={"key": server.key, "csrf_token": token})
        assert client.cookies["tingshuo_session"] != planted
    assert httpx.get(f"{server.url}/history", cookies={"tingshuo_session": planted}).status_code == 302


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/preferences", "/admin/keys", "/jobs/job_1/delete"])
def test_a_form_without_its_token_is_refused(path: str, server: Server, visit: Callable[[str], httpx.Client]) -> None:
    assert visit(server.key).post(path, data={"key": server.key}).status_code == 400


def test_a_script_without_the_token_is_refused(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    reply = visitor.post("/api/v1/keys", json={"name": "evil", "scopes": ["admin"]})
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert "evil" not in visitor.get("/admin/").text


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nX: 1", ""]
)
def test_signing_in_never_leads_elsewhere(target: str, server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        token = client.get("/sign-in").text.partition('name="csrf-token" content="')[2].partition('"')[0]
        reply = client.post("/sign-in", data={"key": server.key, "csrf_token": token, "next": target})
        assert reply.headers["location"] == "/"


def test_pages_run_nothing_but_their_own_scripts(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    for path in PAGES:
        reply = visitor.get(path)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert " onclick=" not in reply.text
        assert "http://" not in reply.text.replace("http://www.w3.org", "").replace(server.url, "")
        assert server.key not in reply.text


def test_the_session_cookie_is_out_of_reach_of_scripts(server: Server) -> None:
    cookie = httpx.get(f"{server.url}/sign-in").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("path", ["..%2f..%2fhealthz", "../healthz", "%2e%2e/healthz", "a//b", "%2e/jobs"])
def test_the_gateway_stays_below_v1(path: str, server: Server, visit: Callable[[str], httpx.Client]) -> None:
    assert visit(server.key).get(f"/api/v1/{path}").status_code == 404


def test_the_api_keeps_its_own_errors_beside_the_pages(server: Server) -> None:
    assert httpx.get(f"{server.url}/v1/nothing").json()["error"]["code"] == "not_found"
    assert httpx.post(f"{server.url}/v1/models").status_code == 405


def test_every_path_of_the_api_is_the_apis(server: Server) -> None:
    from tingshuo.api.pages import OWNED

    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    assert {path.split("/")[1] for path in paths} <= OWNED


def test_jobs_are_done_beside_the_pages(server: Server) -> None:
    body = {"kind": "speech", "input": {"input": "hello", "model": "espeak", "voice": "en"}}
    job = httpx.post(f"{server.url}/v1/jobs", headers=server.headers, json=body).json()["id"]
    until = time.monotonic() + 30
    while (told := httpx.get(f"{server.url}/v1/jobs/{job}", headers=server.headers).json())["status"] != "succeeded":
        assert time.monotonic() < until, told
        time.sleep(0.1)


@pytest.mark.parametrize("asked", ["OPTIONS *", "CONNECT a:80", "GET ?x"])
def test_what_is_asked_for_without_a_path_is_not_there(asked: str, server: Server) -> None:
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(f"{asked} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(2**16).startswith((b"HTTP/1.1 404", b"HTTP/1.1 405"))


def test_a_stranger_leaves_nothing_on_the_server(server: Server) -> None:
    folder = server.data_dir / "webui" / "sessions"
    before = set(folder.iterdir())
    for _ in range(5):
        httpx.get(f"{server.url}/sign-in")
    assert set(folder.iterdir()) == before


@pytest.mark.parametrize("path", ["/sign-in", "/preferences"])
def test_a_form_larger_than_any_of_ours_is_refused(path: str, server: Server) -> None:
    reply = httpx.post(server.url + path, files={"key": ("key.txt", bytes(3 * 2**20))})
    assert reply.status_code == 413


def test_uploads_of_any_size_pass_the_gateway(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    headers = {"X-CSRFToken": visitor.token()}  # type: ignore[attr-defined]
    reply = visitor.post("/api/v1/audio/transcriptions", files={"file": ("a.wav", bytes(3 * 2**20))}, headers=headers)
    assert reply.json()["error"]["code"] == "invalid_audio", reply.text


def test_a_connection_keeps_nothing_of_whom_it_served_before(
    server: Server, visit: Callable[[str], httpx.Client]
) -> None:
    """A proxy sends everybody's requests down the same connections."""
    visitor = visit(server.key)
    token = visitor.token()  # type: ignore[attr-defined]
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())}
    with httpx.Client(base_url=server.url, limits=httpx.Limits(max_connections=1)) as connection:
        # More than the server holds at once: it stops reading and goes on when the pages ask for more.
        upload = {"content": bytes(2**22), "headers": {**cookies, "X-CSRFToken": token, "content-type": "audio/wav"}}
        assert connection.post("/api/v1/audio/transcriptions", **upload).status_code == 400  # type: ignore[arg-type]
        connection.cookies.clear()
        assert connection.get("/history").headers["location"] == "/sign-in?next=/history"
        assert "登录" in connection.get("/sign-in", headers={"accept-language": "zh"}).text
