"""Log lines: their shape, and what must never be in one."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tingshuo import logs
from tingshuo.errors import ConfigurationError, EngineFailed
from tingshuo.logs import FIELDS, REQUEST_ID
from tingshuo.settings import Settings, load_settings

SECRET = "我的密码是四七一一"


class Stderr:
    """What was written to stderr."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Stderr]:
    """What stands on stderr; the logging of the test run is put back."""
    root = logging.getLogger()
    before, level, hook = root.handlers[:], root.level, threading.excepthook
    root.handlers = []  # `configure` would close those of the test run
    yield Stderr(capsys)
    root.handlers, threading.excepthook = before, hook
    root.setLevel(level)


def _json(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_format": "json"})


def _lines(stream: Stderr) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_has_time_level_logger_message_request_and_its_own_fields(
    settings: Settings, stream: Stderr
) -> None:
    logs.configure(_json(settings))
    token = REQUEST_ID.set("req_1")
    logging.getLogger("tingshuo.test").warning("%d\nthings", 3, extra={FIELDS: {"route": "/v1/me"}})
    REQUEST_ID.reset(token)
    (line,) = _lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "tingshuo.test",
        "message": "3\nthings",
        "request_id": "req_1",
        "route": "/v1/me",
    }


def test_a_text_line_cannot_be_forged_with_a_line_break(settings: Settings, stream: Stderr) -> None:
    logs.configure(settings)
    logging.getLogger("tingshuo.test").info("no file %s", "a\n2026-11-21T00:00:00Z INFO tingshuo.audit key.created")
    first, second = stream.getvalue().splitlines()
    assert "INFO tingshuo.test no file a" in first
    assert second.startswith("  2026")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_words_of_exceptions_stay_out_and_their_places_in(
    settings: Settings, stream: Stderr, log_format: str
) -> None:
    logs.configure(settings.model_copy(update={"log_format": log_format}), "debug")
    try:
        try:
            raise ValueError(f"cannot speak {SECRET!r}")
        except ValueError as error:
            raise EngineFailed(f"tones failed: {error}") from ExceptionGroup(SECRET, [error, KeyError(SECRET)])
    except EngineFailed:
        logging.getLogger("tingshuo.test").exception("failed")
    told = stream.getvalue()
    assert SECRET not in told
    assert "密码" not in json.dumps(told, ensure_ascii=False)
    for named in ("builtins.ValueError", "builtins.KeyError", "tingshuo.errors.EngineFailed", "test_logs.py"):
        assert named in told


def test_what_is_wrong_with_the_settings_is_told_in_words(settings: Settings, stream: Stderr) -> None:
    logs.configure(settings)
    try:
        raise ConfigurationError("the data folder is not there")
    except ConfigurationError:
        logging.getLogger("uvicorn.error").exception("no start")
    assert "the data folder is not there" in stream.getvalue()


def test_libraries_never_go_below_info_and_ours_do_when_asked(settings: Settings, stream: Stderr) -> None:
    logs.configure(_json(settings), "debug")
    logging.getLogger("uvicorn.error").debug("< TEXT %s", SECRET)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("tingshuo_sensevoice.engine").debug("loaded")
    assert [line["message"] for line in _lines(stream)] == ["started", "loaded"]


def test_the_exception_of_a_thread_is_a_log_line_without_its_words(settings: Settings, stream: Stderr) -> None:
    logs.configure(_json(settings))

    def fail() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = _lines(stream)
    assert line["level"] == "error"
    assert "builtins.ValueError" in line["exception"]
    assert SECRET not in stream.getvalue()


def test_an_unknown_format_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_LOG_FORMAT", "xml")
    with pytest.raises(ConfigurationError, match="TINGSHUO_LOG_FORMAT='xml'"):
        load_settings()
