"""uvicorn, as `tingshuo serve` runs it: one process, an end that is bounded, logs without secrets."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tingshuo.errors import ConfigurationError

log = logging.getLogger(__name__)

#: Seconds that requests in progress get to end after SIGTERM or Ctrl-C, and that the engines then get to close.
DRAIN_SECONDS, CLOSE_SECONDS = 30, 10


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            # A call into an engine cannot be cancelled from outside: one that hangs must not keep the process.
            deadline = threading.Timer(DRAIN_SECONDS + CLOSE_SECONDS, _give_up)
            deadline.daemon = True
            deadline.start()
        super().handle_exit(sig, frame)


def _give_up() -> None:
    log.error("an engine still works after %d s; the process ends without it", DRAIN_SECONDS + CLOSE_SECONDS)
    os._exit(1)


class _WithoutQuery(logging.Filter):
    """Leaves the query out of the access log: that of a signed link opens what it leads to."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, version, status = record.args
            record.args = (client, method, str(path).split("?", 1)[0], version, status)
        return True


def serve_until_stopped(app: FastAPI, listener: socket.socket, log_level: str) -> None:
    """Answer on `listener` until SIGTERM or Ctrl-C; raises `ConfigurationError` if the application does not start."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=log_level,
        # X-Forwarded-For is believed from TINGSHUO_TRUSTED_PROXIES alone, and by the application.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    logging.getLogger("uvicorn.access").addFilter(_WithoutQuery())
    # After draining uvicorn raises the signal once more for whoever handled it before: a stop asked for is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = _Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise ConfigurationError("the server did not start; the log above says why")
