"""Log lines on stderr, as text or as JSON (TINGSHUO_LOG_FORMAT), with the request's id and without what was said.

What a person said or wrote reaches a log by two ways, and both are closed here: through the words of an exception
("cannot parse '…'"), so a traceback is written without them, and through debug lines of libraries, which show the
data they work on, so only our own loggers may go below INFO.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO, TypeAlias

from tingshuo.errors import ConfigurationError, EngineFailed, TingshuoError
from tingshuo.settings import Settings

#: Id of the request that is worked on; threads that a request starts inherit it.
REQUEST_ID: ContextVar[str | None] = ContextVar("tingshuo_request_id", default=None)
#: Name of the attribute of a record that holds fields of its own: `log.info("…", extra={FIELDS: {…}})`.
FIELDS = "tingshuo_fields"

#: Migrations tell each step, the HTTP client the whole address of each request.
_TALKATIVE = ("alembic", "httpx2", "httpcore2")

_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)  # as logging has it


def configure(settings: Settings, level: str = "info") -> None:
    """Send all log lines of this process to stderr, in the format of the settings, from `level` on."""
    stream = _Stderr(sys.stderr)
    stream.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    stream.addFilter(_is_ours_or_grave)
    stream.addFilter(_with_request_id)
    logging.basicConfig(handlers=[stream], level=level.upper(), force=True)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)
    threading.excepthook = _thread_failed


def wording(error: TingshuoError) -> str:
    """What a log line may say of an error: its message, but not that of an engine, which may quote what was said."""
    return "its words are in the row of the job" if isinstance(error, EngineFailed) else error.message


class _Stderr(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        # logging itself would print the arguments of the line.
        reason = type(sys.exc_info()[1]).__name__
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"a line of {record.name} could not be written: {reason}\n")


class _Lines(logging.Formatter):
    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        return "\n".join(_told(ei[1])) if ei[1] else ""


class TextLines(_Lines):
    """`2026-11-21T08:00:00.123Z INFO tingshuo.api [req_…] message`"""

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", None)
        # Further lines are set off: whoever can put a line break into a name must not be able to forge a line.
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\n  ")
        head = f"{_time(record)} {record.levelname} {record.name}{f' [{request_id}]' if request_id else ''}"
        tail = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{head} {message}{tail}"


class JsonLines(_Lines):
    """One JSON object: time, level, logger, message, request_id, the line's own fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        fields: Mapping[str, object] = getattr(record, FIELDS, {})
        line.update(fields)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO or record.name.startswith("tingshuo")


def _with_request_id(record: logging.LogRecord) -> bool:
    if not hasattr(record, "request_id"):
        record.request_id = REQUEST_ID.get() if _for_somebody() else None
    return True


def _for_somebody() -> bool:
    """False in a callback of an event loop: it may have the context of a request that is long over.

    A server reads on in the context of the last one that asked for its body, whoever sends now.
    """
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # a thread without a loop
        return True


def _told(error: BaseException) -> Iterator[str]:
    """The lines of a traceback with its causes, each exception by its class alone."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    for one in reversed(chain):
        for frame in traceback.extract_tb(one.__traceback__):
            yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        # What is wrong with the settings nobody said or wrote, and an operator must read it.
        words = f": {one.message}" if isinstance(one, ConfigurationError) else ""
        yield f"{type(one).__module__}.{type(one).__qualname__}{words}"
        if isinstance(one, BaseExceptionGroup):
            for part in one.exceptions:
                yield from (f"  | {line}" for line in _told(part))


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and not isinstance(failure.exc_value, SystemExit):
        told = (failure.exc_type, failure.exc_value, failure.exc_traceback)
        logging.getLogger(__name__).error("a thread ended with an exception", exc_info=told)
