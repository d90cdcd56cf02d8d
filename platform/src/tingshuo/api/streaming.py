"""Replies that begin before the work is done, and work that ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tingshuo.api.services import Services
from tingshuo.cancellation import Cancellation, within
from tingshuo.errors import RequestCancelled, TingshuoError
from tingshuo.logs import wording

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Bytes made ahead of a client that reads slowly: 5 minutes of pcm, an hour of mp3. Then the worker waits for it,
#: and after so many seconds without a byte taken it gives up, so that nobody holds an engine by not reading.
AHEAD_BYTES, STALL_SECONDS = 16 * 2**20, 60.0

#: Proxies must pass a streamed reply on as it comes (nginx reads the second one), and nobody may keep it.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Outlet(Protocol):
    """What a worker sees of a reply: `job` is to be set before the first `put`; `begun`: there was one."""

    job: str
    begun: bool

    def put(self, part: bytes) -> None:
        """Send a part; raises `RequestCancelled` once the client is gone, `DeadlineExceeded` when it took too long."""

    def end_with(self, part: bytes) -> None:
        """Send a last part, in spite of either."""


class Work:
    """A call that runs in a thread and whose parts the event loop sends: made by `started`."""

    def __init__(self, cancellation: Cancellation) -> None:
        self.job, self.begun = "", False
        self._cancellation = cancellation
        self._loop = asyncio.get_running_loop()
        self._some = asyncio.Event()
        self._changed = threading.Condition()
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def put(self, part: bytes) -> None:
        with self._cancellation.watched(self._wake), self._changed:
            roomy = self._changed.wait_for(self._roomy, STALL_SECONDS)
        self._cancellation.check()
        if not roomy:
            raise RequestCancelled(f"the client read nothing for {STALL_SECONDS:g} s")
        self.end_with(part)

    def end_with(self, part: bytes) -> None:
        with self._changed:
            self.begun = True
            self._parts.append(part)
            self._size += len(part)
        self._loop.call_soon_threadsafe(self._some.set)

    def _roomy(self) -> bool:
        return self._size < AHEAD_BYTES or self._cancellation.cancelled

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _run(self, services: Services, call: Callable[[Outlet], None]) -> None:
        try:
            with within(self._cancellation):
                await services.work(call, self)
        except BaseException as error:  # noqa: BLE001 - raised where the parts are read
            self._error = error
        finally:
            self._task = None
            self._some.set()

    async def begin(self, services: Services, call: Callable[[Outlet], None]) -> None:
        """Start the call and wait for the first part; raises what ended it before there was one."""
        self._task = asyncio.create_task(self._run(services, call))
        await self._some.wait()
        if self._error is not None and not self._parts:
            raise self._error

    async def parts(self) -> AsyncIterator[bytes]:
        """The parts as they come; raises at the end what the call raised."""
        while True:
            self._some.clear()
            ended = self._task is None
            while self._parts:
                yield self._taken()
            if ended:
                break
            await self._some.wait()
        if self._error is not None:
            raise self._error

    def _taken(self) -> bytes:
        with self._changed:
            part = self._parts.popleft()
            self._size -= len(part)
            self._changed.notify_all()
        return part

    async def stop(self) -> None:
        """End the call where it still runs, and wait until it has ended."""
        self._cancellation.cancel()
        if self._task is not None:
            await self._task


class Streamed(StreamingResponse):
    """A reply of the parts of some work. A failure in the middle breaks the connection off: no clean end is sent.

    after: what is to be closed once the work has ended.
    """

    def __init__(self, work: Work, media_type: str, after: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(work.parts(), headers={**HEADERS, "x-tingshuo-job": work.job}, media_type=media_type)
        self.work, self.after = work, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with suppress(ClientDisconnect):  # of servers that tell it by an error in `send`
                await super().__call__(scope, receive, send)
        finally:
            await self.work.stop()
            if self.after:
                await self.after()

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for part in self.body_iterator:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except TingshuoError as error:
            log.error("job %s failed while it was sent: %s: %s", self.work.job, error.code, wording(error))
            return  # the server closes a connection whose reply was not completed, and the client sees that
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def started(request: Request, services: Services, call: Callable[[Outlet], None]) -> Work:
    """The work of `call` once its first part is there; raises what it raised before. It ends with the client."""
    cancellation = _patience(services)
    work = Work(cancellation)
    try:
        await _watched(request, cancellation, work.begin(services, call))
    except BaseException:
        await work.stop()
        raise
    return work


async def wanted(request: Request, services: Services, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a call made in a thread, which ends early where the client goes away or the time is over."""
    cancellation = _patience(services)

    async def run() -> T:
        with within(cancellation):
            return await services.work(call, *args, **kwargs)

    return await _watched(request, cancellation, run())


def _patience(services: Services) -> Cancellation:
    return Cancellation(services.settings.request_timeout_s or None)


async def _watched(request: Request, cancellation: Cancellation, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is told when the client goes away. The request's body must have been read."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            cancellation.cancel()
        return await working
    except BaseException:
        cancellation.cancel()
        raise
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
