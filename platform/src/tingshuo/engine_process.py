"""The platform's side of the process of an isolated engine: starts it, talks to it, and ends it."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from typing import TypeAlias

import numpy as np

from tingshuo import progress
from tingshuo.cancellation import Cancellation, current
from tingshuo.errors import EngineCrashed
from tingshuo.logs import REQUEST_ID
from tingshuo.machine import resident_bytes
from tingshuo.messages import Header, Value, Wire, unpacked, unpacked_error
from tingshuo.types import Samples

#: Seconds that a call gets to end after it was cancelled, and that a process gets to end after it was told to.
GRACE, LAST_GRACE = 2.0, 5.0
_NOTHING = np.zeros(0, np.float32)
#: Messages after which a call goes on.
_UNDER_WAY = ("piece", "progress")

Message: TypeAlias = tuple[Header, Samples]


class EngineProcess:
    """One process and the calls in it. `crashed` is called once if it ends unasked."""

    def __init__(self, name: str, crashed: Callable[[], None]) -> None:
        self._name, self._crashed = name, crashed
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._calls: dict[int, queue.SimpleQueue[Message | None]] = {}
        self._abandoned: set[int] = set()
        self._expected = self._dead = self._retired = False
        ours, theirs = socket.socketpair()
        theirs_alive, self._lifeline = os.pipe()
        with theirs:
            self._process = _started(theirs.fileno(), theirs_alive)
        os.close(theirs_alive)
        self._wire = Wire(ours)
        threading.Thread(target=self._receive, args=(ours,), name=f"{name}-replies", daemon=True).start()

    @property
    def usable(self) -> bool:
        """Whether it takes further calls."""
        return not (self._dead or self._retired or self._expected)

    @property
    def process_id(self) -> int:
        """The system's number for it."""
        return self._process.pid

    @property
    def memory_bytes(self) -> int | None:
        """Bytes it takes now."""
        return None if self._dead else resident_bytes(self._process.pid)

    def run(self, header: Header, samples: Samples | None = None) -> Generator[Value, None, Value]:
        """A call: its pieces and its result. Raises what the engine raises, and `EngineCrashed`.

        Where the call in progress (`cancellation.current`) is wanted no more, the engine gets a moment to stop; then
        the process takes no further calls and is ended once all that it still works on is unwanted.
        """
        number, replies = next(self._numbers), queue.SimpleQueue[Message | None]()
        with self._lock:
            self._calls[number] = replies
        ended = False
        try:
            self._send({**header, "call": number, "request_id": REQUEST_ID.get()}, samples)
            while True:
                reply, sound = self._reply(replies)
                if reply["kind"] == "progress":
                    progress.report(reply["fraction"])
                    continue
                ended = reply["kind"] != "piece"
                if reply["kind"] == "error":
                    raise unpacked_error(reply)
                value = unpacked(reply, sound)
                if ended:
                    return value
                yield value
        finally:
            self._leave(number, replies, ended=ended)

    def end(self) -> None:
        """End it: kindly, then not."""
        self._expected = True
        self._wire.close()
        try:
            self._process.wait(LAST_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # ---- inside

    def _send(self, header: Header, samples: Samples | None) -> None:
        cancellation = current()
        try:
            self._wire.send(header, samples, cancellation.check if cancellation else lambda: None)
        except OSError as error:
            raise self._crash() from error
        except BaseException:
            self._kill()  # half a message was sent
            raise

    def _reply(self, replies: queue.SimpleQueue[Message | None]) -> Message:
        cancellation = current()
        message = replies.get() if cancellation is None else _awaited(replies, cancellation)
        if message is None:
            raise self._crash()
        return message

    def _leave(self, number: int, replies: queue.SimpleQueue[Message | None], *, ended: bool) -> None:
        if not ended and not self._dead and not self._stopped(number, replies):
            with self._lock:
                self._abandoned.add(number)
                self._retired = True
        with self._lock:
            if number not in self._abandoned:
                del self._calls[number]
            hopeless = self._retired and set(self._calls) == self._abandoned
        if hopeless:
            self._kill()

    def _stopped(self, number: int, replies: queue.SimpleQueue[Message | None]) -> bool:
        """Ask the engine to stop, and tell whether it did."""
        try:
            self._wire.send({"kind": "cancel", "call": number}, None, lambda: None)
            while (message := replies.get(timeout=GRACE)) is not None and message[0]["kind"] in _UNDER_WAY:
                pass
        except (queue.Empty, OSError):
            return False
        return True

    def _receive(self, ours: socket.socket) -> None:
        with ours:
            while True:
                try:
                    header, samples = self._wire.receive()
                except (EOFError, ValueError):
                    break
                with self._lock:
                    replies = self._calls.get(header["call"])
                if replies is not None:
                    replies.put((header, samples))
            self._ended()

    def _ended(self) -> None:
        try:
            self._process.wait(LAST_GRACE)
        except subprocess.TimeoutExpired:  # it closed the socket, or talked nonsense, and went on
            self._process.kill()
            self._process.wait()
        os.close(self._lifeline)
        with self._lock:
            self._dead = True
            waiting = list(self._calls.values())
        if not self._expected:
            self._crashed()
        for replies in waiting:
            replies.put(None)

    def _kill(self) -> None:
        self._expected = True
        self._process.kill()

    def _crash(self) -> EngineCrashed:
        self._process.wait()
        how = "its process was ended for another request's sake" if self._expected else _end_of(self._process)
        return EngineCrashed(f"{self._name} crashed: {how}; try again", retry_after=1)


def _started(end: int, lifeline: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "tingshuo.engine_server", str(end), str(lifeline)],
        pass_fds=(end, lifeline),
        stdin=subprocess.DEVNULL,
        process_group=0,  # Ctrl-C is for the platform, which ends its engines itself
    )


def _awaited(replies: queue.SimpleQueue[Message | None], cancellation: Cancellation) -> Message | None:
    woken: Message = ({"kind": "woken"}, _NOTHING)
    with cancellation.watched(lambda: replies.put(woken)):
        try:
            message = replies.get(timeout=cancellation.remaining)
        except queue.Empty:
            message = woken
    if message is woken:
        cancellation.check()
    return message


def _end_of(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    if code == -signal.SIGKILL:
        return "its process was killed, as the kernel does when memory runs out"
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with status {code}"
