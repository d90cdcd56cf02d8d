"""What a session leaves where others could find it: cookies, caches, and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx2 as httpx
from serving import Server


def test_replies_that_come_late_or_stay_in_caches_hold_no_cookie(
    server: Server, visit: Callable[[str], httpx.Client]
) -> None:
    """A recognition takes minutes; by then somebody else may have signed in with the same browser."""
    visitor = visit(server.key)
    headers = {"X-CSRFToken": visitor.token()}  # type: ignore[attr-defined]
    for path in ("/speak", "/api/v1/me"):
        assert "tingshuo_session" in visitor.get(path).headers["set-cookie"]
    assert "set-cookie" not in visitor.get("/static/css/base.css").headers
    late = visitor.post("/api/v1/audio/speech", headers=headers, json={"input": "早", "model": "espeak"})
    assert late.status_code == 200, late.text
    assert "set-cookie" not in late.headers


def test_who_signs_in_anew_leaves_the_session_before(
    server: Server, visit: Callable[[str], httpx.Client], key: Callable[..., tuple[str, str]]
) -> None:
    visitor = visit(server.key)
    kept = dict(visitor.cookies)
    visitor.form("/sign-in", {"key": key("speak")[1]}, page="/speak")  # type: ignore[attr-defined]
    assert visitor.get("/api/v1/me").json()["scopes"] == ["speak"]
    assert httpx.get(f"{server.url}/api/v1/me", cookies=kept).status_code == 401


def test_caches_keep_nothing_that_was_told_to_one_visitor(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    for path in ("/", "/speak", "/history", "/api/v1/me", "/api/v1/jobs", "/api/v1/nothing"):
        assert "no-store" in visitor.get(path).headers.get("cache-control", ""), path
    assert "no-store" in visit("").get("/api/v1/me").headers.get("cache-control", "")
    assert "max-age=3600" in visitor.get("/static/css/base.css").headers["cache-control"]


def test_a_session_that_was_left_while_it_was_in_use_is_over(
    server: Server, visit: Callable[[str], httpx.Client]
) -> None:
    for _ in range(5):
        visitor = visit(server.key)
        kept = dict(visitor.cookies)
        left = threading.Event()

        def use(kept: dict[str, str] = kept, left: threading.Event = left) -> None:
            with httpx.Client(base_url=server.url, cookies=kept) as tab:
                while not left.is_set():
                    tab.get("/api/v1/nothing/at//all")

        tabs = [threading.Thread(target=use) for _ in range(4)]
        for tab in tabs:
            tab.start()
        visitor.form("/sign-out", {}, page="/speak")  # type: ignore[attr-defined]
        left.set()
        for tab in tabs:
            tab.join()
        assert httpx.get(f"{server.url}/api/v1/me", cookies=kept).status_code == 401
