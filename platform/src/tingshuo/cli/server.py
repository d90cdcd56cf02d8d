"""uvicorn, as `tingshuo serve` runs it: one process on a socket that is already bound."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from tingshuo.errors import ConfigurationError
from tingshuo.machine import allow_many_files
from tingshuo.serving import Server, ignore_repeated_signals, uvicorn_options
from tingshuo.settings import Settings


def serve_until_stopped(app: FastAPI, listener: socket.socket, settings: Settings) -> None:
    """Answer on `listener` until SIGTERM or Ctrl-C; raises `ConfigurationError` if the application does not start."""
    ignore_repeated_signals()
    allow_many_files()
    server = Server(uvicorn.Config(app, **uvicorn_options(settings)), settings)
    server.run(sockets=[listener])
    if not server.started:
        raise ConfigurationError("the server did not start; the log above says why")
