"""The administration in a real browser: engines, keys, use, retention, and who may see none of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2 as httpx
import pytest
from playwright.sync_api import Page, expect
from serving import Server, running

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that keeps jobs for thirty days and no audio."""
    with running(tmp_path_factory.mktemp("admin") / "data", TINGSHUO_KEEP_DAYS="30") as started:
        yield started


def test_an_engine_is_loaded_and_unloaded(page: Page, server: Server) -> None:
    page.goto("/admin/")
    row = page.locator("#engines tbody tr", has_text="sensevoice")
    expect(row).to_contain_text("starter")  # which weights
    expect(row).to_contain_text("not loaded")
    row.get_by_role("button", name="Load").click()
    expect(page.locator("[role=alert]")).to_have_text("sensevoice is loaded.", timeout=120_000)
    expect(row.locator(".badge.good")).to_have_text("loaded")
    row.get_by_role("button", name="Unload").click()
    expect(page.locator("[role=alert]")).to_have_text("sensevoice is unloaded.")


def test_a_key_is_made_shown_once_used_and_revoked(page: Page, server: Server) -> None:
    page.on("dialog", lambda _: pytest.fail("a script of a user ran"))
    page.goto("/admin/")
    name = f"call centre {HOSTILE}"
    page.fill("#name", name)
    page.fill("#days", "7")
    page.uncheck('input[name="scopes"][value="speak"]')
    page.get_by_role("button", name="Make a key").click()
    token = page.inner_text("#token")
    headers = {"Authorization": f"Bearer {token}"}
    assert set(httpx.get(f"{server.url}/v1/me", headers=headers).json()["scopes"]) == {"jobs", "transcribe"}
    page.goto("/admin/")
    expect(page.locator("#token")).to_have_count(0)
    row = page.locator("#keys tbody tr", has_text="call centre")
    expect(row.locator("td").first).to_have_text(name)
    assert page.locator("main img, main script").count() == 0
    row.locator("summary").click()
    row.get_by_role("button", name="Revoke").click()
    expect(page.locator("[role=alert]")).to_have_text("The key is revoked.")
    expect(row).to_contain_text("revoked")
    assert httpx.get(f"{server.url}/v1/me", headers=headers).status_code == 401


def test_what_is_wrong_with_a_key_is_told_and_the_form_keeps_what_was_entered(
    server: Server, visit: Callable[[str], Any]
) -> None:
    visitor = visit(server.key)
    for fields in (
        {"name": "kept name", "scopes": ["jobs"], "expires_days": "0"},
        {"name": "kept name", "scopes": ["jobs"], "expires_days": "soon"},
        {"name": "kept name", "scopes": ["flying"]},
    ):
        reply = visitor.form("/admin/keys", fields, page="/admin/")
        assert reply.status_code == 400, reply.text
        assert 'class="problem"' in reply.text
        assert 'value="kept name"' in reply.text


def test_the_page_tells_what_is_kept_and_cleans_up(page: Page, server: Server) -> None:
    page.goto("/admin/")
    retention = page.locator("#retention")
    expect(retention).to_contain_text("TINGSHUO_KEEP_DAYS")
    expect(retention).to_contain_text("30 days")
    expect(page.locator("#due")).to_have_text("jobs: 0, expired audio: 0, together 0 B")
    retention.locator("summary").click()
    retention.get_by_role("button", name="Clean up now").click()
    expect(page.locator("[role=alert]")).to_contain_text("Removed: jobs 0")
    expect(page.locator("#last-run")).to_contain_text("first")  # the name of the key that asked
    assert "history.cleaned_up" in server.log.read_text("utf-8")


def test_use_is_told_by_key_and_time(page: Page, server: Server) -> None:
    page.goto("/admin/")
    cell = page.locator("#use tbody tr", has_text="first").locator('[data-label="Characters"]')
    before = int(cell.inner_text()) if cell.count() else 0
    body = {"model": "espeak", "voice": "cmn", "input": "四个汉字", "response_format": "wav"}
    assert httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body).status_code == 200
    page.goto("/admin/")
    expect(cell).to_have_text(str(before + 4))
    page.fill("#until", "2020-01-01")
    page.locator("#use").get_by_role("button", name="Show").click()
    expect(page.locator("#use .empty")).to_have_text("Nothing was done in this time.")


def test_the_health_of_the_system_is_told(page: Page) -> None:
    page.goto("/admin/")
    health = page.locator("#health")
    memory = re.compile(r"Memory of this process\s+[\d.]+ [MG]iB")  # a torch with CUDA takes more than a GiB by itself
    for words in ("sqlite: ok", "local: ok", re.compile(r"Disk free\s+[\d.]+ GiB"), memory):
        expect(health).to_contain_text(words)
    expect(health.locator(".badge.bad")).to_have_count(0)


def test_the_page_speaks_chinese(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("管理")
    expect(page.locator("#retention")).to_contain_text("30 天")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_only_an_admin_gets_in(
    server: Server, visit: Callable[[str], Any], key: Callable[..., tuple[str, str]]
) -> None:
    visitor = visit(key("speak", "transcribe", "jobs", "metrics")[1])
    assert "/admin/" not in visitor.get("/history").text
    assert visitor.get("/admin/").status_code == 403
    for path in ("/admin/clean-up", "/admin/keys", "/admin/keys/key_1/revoke", "/admin/engines/espeak/load"):
        assert visitor.form(path, {"name": "x", "scopes": ["admin"]}, page="/history").status_code == 403
    assert len(httpx.get(f"{server.url}/v1/keys", headers=server.headers).json()["data"]) >= 2


@pytest.mark.parametrize(
    "path", ["/admin/clean-up", "/admin/keys", "/admin/keys/key_1/revoke", "/admin/engines/espeak/unload"]
)
def test_a_form_without_its_token_is_refused(path: str, server: Server, visit: Callable[[str], Any]) -> None:
    assert visit(server.key).post(path, data={"name": "evil", "scopes": "admin"}).status_code == 400


def test_everything_is_reached_with_the_keyboard(page: Page) -> None:
    page.goto("/admin/")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()"))
    assert {"name", "days", "Make a key", "Load", "since", "until", "Clean up now…"} <= reached
