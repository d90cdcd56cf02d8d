"""The Wyoming server: who may connect, how many at once, and how long."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from tingshuo.allowlist import allows
from tingshuo.cancellation import Cancellation
from tingshuo.engines import Engines
from tingshuo.errors import ConfigurationError, EngineBusy, TingshuoError
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.wyoming.conversation import Conversation
from tingshuo.wyoming.protocol import MOST_LINE, Error, Event, async_write_event, read_event

log = logging.getLogger(__name__)

#: Connections at once, events of one that wait to be answered, seconds without an event after which one is closed.
CONNECTIONS, WAITING, IDLE_SECONDS = 32, 16, 600.0


def address_of(uri: str, settings: Settings) -> tuple[str, int]:
    """Host and port of `tcp://host:port`.

    The protocol has no keys and no encryption: without an allow-list only this machine may connect. Raises
    `ConfigurationError`.
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"--uri {uri}: {error}") from error
    if parts.scheme != "tcp" or not host or port is None:
        raise ConfigurationError(f"--uri {uri}: give an address and a port, as in tcp://127.0.0.1:10300")
    if not settings.allowed_ips and not _is_loopback(host):
        raise ConfigurationError(
            f"{host} can be reached from other machines, and the Wyoming protocol has no keys: say who may connect "
            "with TINGSHUO_ALLOWED_IPS, or listen on 127.0.0.1"
        )
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ConfigurationError(f"there is no address for {host!r}: {error}") from error
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


class WyomingServer:
    """Answers on `(host, port)` until `close`."""

    def __init__(self, settings: Settings, engines: Engines, history: History) -> None:
        self.settings, self.engines, self.history = settings, engines, history
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port, which is another where 0 was asked for. Raises `ConfigurationError`."""
        try:
            self._server = await asyncio.start_server(self._connected, host, port, limit=MOST_LINE)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(f"cannot listen on {host} port {port}: {reason}") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections and end those there are."""
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._served(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            log.debug("a connection was lost or the server ends")
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not allows(self.settings, str(peer[0]) if peer else ""):
            log.warning("refused a Wyoming connection from %s", peer)
            return
        if len(self._connections) > CONNECTIONS:
            await _tell(writer, EngineBusy(f"there are {CONNECTIONS} connections, the most there may be"))
            return
        wanted = Cancellation()
        events: asyncio.Queue[Event | TingshuoError | None] = asyncio.Queue(WAITING)
        reading = asyncio.create_task(_read(reader, events, wanted))
        try:
            await self._answered(events, writer, wanted)
        finally:
            wanted.cancel()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _answered(
        self, events: asyncio.Queue[Event | TingshuoError | None], writer: asyncio.StreamWriter, wanted: Cancellation
    ) -> None:
        sending = asyncio.Lock()

        async def send(event: Event) -> None:
            async with sending:
                await async_write_event(event, writer)

        conversation = Conversation(self.engines, self.history, send, wanted)
        with contextlib.suppress(TimeoutError):
            while (event := await asyncio.wait_for(events.get(), IDLE_SECONDS)) is not None:
                if isinstance(event, TingshuoError):  # what follows cannot be made out
                    await _tell(writer, event)
                    return
                try:
                    await conversation.answer(event)
                except TingshuoError as error:
                    await _tell(writer, error)


async def _tell(writer: asyncio.StreamWriter, error: TingshuoError) -> None:
    with contextlib.suppress(ConnectionError):
        await async_write_event(Error(text=error.message, code=error.code).event(), writer)


async def _read(
    reader: asyncio.StreamReader, events: asyncio.Queue[Event | TingshuoError | None], wanted: Cancellation
) -> None:
    """Read ahead, so that the end of the connection is noticed while an engine works."""
    try:
        while (event := await read_event(reader)) is not None:
            await events.put(event)
        wanted.cancel()
        await events.put(None)
    except TingshuoError as error:
        await events.put(error)
