"""`tingshuo wyoming`: recognition and synthesis for Home Assistant."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tingshuo.cli.console import emit

if TYPE_CHECKING:
    from tingshuo.settings import Settings


def wyoming(
    uri: Annotated[str, typer.Option(help="Where to listen.")] = "tcp://127.0.0.1:10300",
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="Least severity that is logged.")
    ] = "info",
) -> None:
    """Serve the Wyoming protocol of Home Assistant, until SIGTERM or Ctrl-C.

    It has no keys: other machines may connect only where TINGSHUO_ALLOWED_IPS says which.
    """
    from tingshuo import db, logs
    from tingshuo.errors import ConfigurationError
    from tingshuo.settings import load_settings

    if importlib.util.find_spec("wyoming") is None:
        raise ConfigurationError("the package wyoming is not installed; add it with: pip install 'tingshuo[wyoming]'")
    from tingshuo.wyoming.server import address_of

    settings = load_settings()
    host, port = address_of(uri, settings)
    logs.configure(settings, log_level)
    db.upgrade(settings)
    asyncio.run(_serve(settings, host, port))


async def _serve(settings: Settings, host: str, port: int) -> None:
    from tingshuo.engines import Engines
    from tingshuo.jobs import History
    from tingshuo.wyoming.server import WyomingServer

    engines, history = Engines(settings), History(settings)
    server = WyomingServer(settings, engines, history)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        port = await server.start(host, port)
        emit(f"Tingshuo speaks Wyoming on tcp://{f'[{host}]' if ':' in host else host}:{port}")
        await stopped.wait()
        await server.close()
    finally:
        engines.close()
        history.close()
