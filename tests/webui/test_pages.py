"""What the pages say: words, values, languages, lists, administration."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from serving import Server

WEBUI = Path(__file__).parents[2] / "webui" / "src" / "tingshuo_webui"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


def _speak(server: Server, text: str) -> str:
    body = {"model": "espeak", "voice": "cmn", "input": text, "response_format": "wav"}
    spoken = httpx.post(f"{server.url}/v1/audio/speech", headers=server.headers, json=body, timeout=60)
    return str(spoken.headers["x-tingshuo-job"])


def test_a_job_has_its_page_and_its_row(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    job = _speak(server, "你好")
    visitor = visit(server.key)
    assert "你好" in visitor.get(f"/jobs/{job}").text
    assert job in visitor.get("/history?kind=speech").text


def test_what_users_write_is_text_and_never_markup(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    job = _speak(server, f"你好 {HOSTILE}")
    for path in (f"/jobs/{job}", "/history", f"/history?q={HOSTILE}", f"/calls?q={HOSTILE}"):
        text = visitor.get(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "{{7*7}}" in html.unescape(visitor.get(f"/jobs/{job}").text)


def test_an_unknown_job_is_said_to_be_so(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    reply = visit(server.key).get("/jobs/job_000000000000000000000000000000")
    assert reply.status_code == 404
    assert "there is no job" in reply.text


def test_a_deleted_job_is_gone(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    job = _speak(server, "再见")
    visitor = visit(server.key)
    assert "removed" in visitor.form(f"/jobs/{job}/delete", {}, page=f"/jobs/{job}").text  # type: ignore[attr-defined]
    assert visitor.get(f"/jobs/{job}").status_code == 404


def test_a_key_is_made_shown_once_and_revoked(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    fields: dict[str, str | list[str]] = {"name": f"x {HOSTILE}", "scopes": ["speak", "jobs"], "expires_days": "7"}
    shown = visitor.form("/admin/keys", fields, page="/admin/").text  # type: ignore[attr-defined]
    token = re.search(r'id="token">(ts-[\w-]+)<', shown)
    assert token
    assert "<img src=x" not in shown
    assert token[1] not in visitor.get("/admin/").text
    me = httpx.get(f"{server.url}/v1/me", headers={"Authorization": f"Bearer {token[1]}"}).json()
    assert set(me["scopes"]) == {"speak", "jobs"}
    visitor.form(f"/admin/keys/{me['id']}/revoke", {}, page="/admin/")  # type: ignore[attr-defined]
    assert httpx.get(f"{server.url}/v1/me", headers={"Authorization": f"Bearer {token[1]}"}).status_code == 401


def test_a_key_with_a_wrong_form_says_why(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    reply = visit(server.key).form("/admin/keys", {"name": "none", "scopes": []}, page="/admin/")  # type: ignore[attr-defined]
    assert reply.status_code == 400
    assert 'class="problem"' in reply.text


def test_engines_are_loaded_and_unloaded(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    assert "espeak is loaded" in visitor.form("/admin/engines/espeak/load", {}, page="/admin/").text  # type: ignore[attr-defined]
    assert "espeak is unloaded" in visitor.form("/admin/engines/espeak/unload", {}, page="/admin/").text  # type: ignore[attr-defined]


@pytest.mark.parametrize(("wanted", "title"), [("zh-CN,zh;q=0.9", "转写"), ("en", "Transcribe"), ("fr", "Transcribe")])
def test_the_browser_chooses_the_language(
    wanted: str, title: str, server: Server, visit: Callable[[str], httpx.Client]
) -> None:
    assert f"<h1>{title}</h1>" in visit(server.key).get("/", headers={"Accept-Language": wanted}).text


def test_a_choice_of_language_and_theme_stays(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    back = visitor.form("/preferences", {"language": "zh", "next": "/speak?x=1"}, page="/")  # type: ignore[attr-defined]
    assert back.url.path == "/speak"
    visitor.form("/preferences", {"theme": "dark"}, page="/")  # type: ignore[attr-defined]
    text = visitor.get("/").text
    assert 'lang="zh-CN" data-theme="dark"' in text


def test_days_narrow_the_history_down(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    job = _speak(server, "今天")
    today = httpx.get(f"{server.url}/v1/jobs/{job}", headers=server.headers).json()["created_at"][:10]
    assert job in visitor.get(f"/history?since={today}&until={today}").text
    assert job not in visitor.get("/history?until=2020-01-01").text
    assert visitor.get(f"/calls?since={today}&until={today}").status_code == 200


def test_a_wrong_filter_is_answered_with_a_page(server: Server, visit: Callable[[str], httpx.Client]) -> None:
    visitor = visit(server.key)
    for query in ("after=nonsense", "kind=nonsense", "since=yesterday"):
        assert visitor.get(f"/history?{query}").status_code == 400


def test_every_english_word_has_a_chinese_one() -> None:
    keywords = {"_": None, "gettext": None, "lazy_gettext": None}
    method_map = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    found = {
        message[2] if isinstance(message[2], str) else message[2][0]
        for message in extract_from_dir(str(WEBUI), method_map, keywords=keywords)
    }
    words = _catalog(WEBUI / "translations/zh/LC_MESSAGES/messages.po")
    assert found == set(words)
    assert [word for word, chinese in words.items() if not chinese] == []
    assert [
        w
        for w, chinese in words.items()
        if re.findall(r"\{\w+\}|%\(\w+\)s", w) != re.findall(r"\{\w+\}|%\(\w+\)s", chinese)
        and set(re.findall(r"\{\w+\}|%\(\w+\)s", w)) != set(re.findall(r"\{\w+\}|%\(\w+\)s", chinese))
    ] == []


def test_the_compiled_words_are_those_of_the_source() -> None:
    folder = WEBUI / "translations/zh/LC_MESSAGES"
    with (folder / "messages.mo").open("rb") as file:
        compiled = {str(message.id): str(message.string) for message in read_mo(file) if message.id}
    assert compiled == _catalog(folder / "messages.po")


def _catalog(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        catalog: Catalog = read_po(file, locale="zh")
    return {str(message.id): str(message.string) for message in catalog if message.id}


def test_vendored_files_come_with_their_licence() -> None:
    folder = WEBUI / "static" / "vendor"
    text = (folder / "README.md").read_text("utf-8")
    assert all(f"`{path.name}`" in text for path in folder.glob("*.js"))
    assert "BSD-3-Clause" in text
    assert (folder / "wavesurfer.LICENSE").exists()
