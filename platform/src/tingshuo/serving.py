"""uvicorn as `tingshuo serve` and gunicorn's workers run it: an end that is announced and bounded, one access log."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from tingshuo.drain import DRAIN
from tingshuo.settings import Settings

log = logging.getLogger(__name__)

#: Seconds after the last request: ten for a queued job to heed that it is to wait again, ten for engines to close.
CLOSE_SECONDS = 20


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of `uvicorn.Config`."""
    return {
        "log_config": None,
        # `tingshuo.access` has the lines: with the request's id, and without the path's and query's own words.
        "access_log": False,
        # X-Forwarded-For is believed from TINGSHUO_TRUSTED_PROXIES alone, and by the application.
        "proxy_headers": False,
        "server_header": False,
        # asyncio goes on reading a connection in the context of a request that asked for its body; the next one there
        # must not begin with what was set for that.
        "reset_contextvars": True,
        # Bytes of one frame and frames read ahead: somewhat more than one event of a realtime session may have.
        "ws_max_size": 4 * 2**20,
        "ws_max_queue": 4,
        "timeout_graceful_shutdown": math.ceil(settings.drain_seconds),
    }


def longest_end(settings: Settings) -> float:
    """Seconds from SIGTERM after which the process is gone, whatever an engine does."""
    return settings.drain_delay_seconds + math.ceil(settings.drain_seconds) + CLOSE_SECONDS


class Server(uvicorn.Server):
    """Asked to end, it says so in /readyz, goes on for the drain delay, then ends the requests in progress.

    A second signal cuts the delay short; Ctrl-C never has one.
    """

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self.settings = settings
        DRAIN.reset()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first, delay = not DRAIN.begun, self.settings.drain_delay_seconds
        DRAIN.begin()
        if first:
            # A call into an engine cannot always be cancelled: one that hangs must not keep the process.
            _after(longest_end(self.settings), _give_up)
        if first and delay and sig == signal.SIGTERM:
            _after(delay, lambda: uvicorn.Server.handle_exit(self, sig, frame))
        else:
            super().handle_exit(sig, frame)


def ignore_repeated_signals() -> None:
    """Let a stop that was asked for be no failure: after draining uvicorn raises the signal once more."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def _after(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    log.error("an engine still works although its time is over; the process ends without it")
    os._exit(1)
