"""What `deploy/gunicorn.conf.py` names: the application, a worker class and a logger class for gunicorn.

    gunicorn -c deploy/gunicorn.conf.py 'tingshuo.gunicorn_worker:application()'

Needs `tingshuo[server]`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from fastapi import FastAPI
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from uvicorn_worker import UvicornWorker

from tingshuo import logs
from tingshuo.api import create_app
from tingshuo.serving import Server, ignore_repeated_signals, uvicorn_options
from tingshuo.settings import load_settings


def application() -> FastAPI:
    """The API with the settings of the environment. Called in the worker, after the fork."""
    return create_app(load_settings())


class Worker(UvicornWorker):  # type: ignore[misc] # it has no types
    """uvicorn with our way to end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        self.settings = load_settings()
        self.CONFIG_KWARGS = {**UvicornWorker.CONFIG_KWARGS, **uvicorn_options(self.settings)}
        super().__init__(*args, **kwargs)
        # The parent class gives it gunicorn's handlers, of which there are none.
        logging.getLogger("uvicorn.error").propagate = True

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        ignore_repeated_signals()
        server = Server(self.config, self.settings)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


class RootLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Sends gunicorn's own lines where ours go, in the same format."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        super().setup(cfg)
        logs.configure(load_settings(), cfg.loglevel)
        self.error_log.handlers = []
        self.error_log.propagate = True
