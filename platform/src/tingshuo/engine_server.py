"""The process of an isolated engine: `python -m tingshuo.engine_server`, started by `tingshuo.engine_process` alone.

It reads calls from a socket and answers them until the other end is closed. It ends with the process that started it,
however that one ends, and leaves Ctrl-C and SIGTERM to it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from typing import cast

from tingshuo import logs, progress
from tingshuo.cancellation import Cancellation, within
from tingshuo.engine import Engine, Recognizer, Synthesizer
from tingshuo.errors import ConfigurationError, EngineFailed, TingshuoError
from tingshuo.messages import OPTIONS, UTTERANCE, Header, Spans, Value, Wire, packed, packed_error
from tingshuo.plugins import load_plugins
from tingshuo.settings import Settings
from tingshuo.types import Audio, Samples, VoiceActivity

log = logging.getLogger(__name__)

#: More than an engine has lanes.
_MOST_CALLS = 80


class Server:
    """Answers calls into one engine, which the first one, `load`, names."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._engine: Engine | None = None
        self._tokens: dict[int, Cancellation] = {}
        self._threads = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="call")

    def serve(self) -> None:
        """Answer until the other end is closed."""
        while True:
            try:
                header, samples = self._wire.receive()
            except EOFError:
                return
            number = header["call"]
            if header["kind"] != "cancel":
                self._tokens[number] = Cancellation()
                self._threads.submit(self._answer, number, header, samples)
            elif (token := self._tokens.get(number)) is not None:
                token.cancel()

    def _answer(self, number: int, header: Header, samples: Samples) -> None:
        try:
            reply, sound = self._worked(number, header, samples)
        except TingshuoError as error:
            reply, sound = {"kind": "error", **packed_error(error)}, None
        except BaseException as error:  # an engine is a plugin; SystemExit too must be told
            log.exception("%s failed", self._name)
            failed = EngineFailed(f"{self._name} failed: {type(error).__name__}: {error}")
            reply, sound = {"kind": "error", **packed_error(failed)}, None
        del self._tokens[number]
        self._say(number, reply, sound)

    def _worked(self, number: int, header: Header, samples: Samples) -> tuple[Header, Samples | None]:
        token = self._tokens[number]
        logs.REQUEST_ID.set(header["request_id"])
        with (
            within(token),
            progress.within(self._told(number)),
            contextlib.closing(self._work(header, samples)) as work,
        ):
            while True:
                try:
                    piece = next(work)
                except StopIteration as end:
                    fields, sound = packed(end.value)
                    return {"kind": "done", **fields}, sound
                token.check()
                fields, sound = packed(piece)
                self._say(number, {"kind": "piece", **fields}, sound)

    def _work(self, header: Header, samples: Samples) -> Generator[Value, None, Value]:
        match header["kind"]:
            case "load":
                self._load(header)
            case "transcribe":
                recognizer, options = cast(Recognizer, self._engine), OPTIONS.validate_python(header["options"])
                return recognizer.transcribe(Audio(samples, header["sample_rate"]), options)
            case "transcribe_stream":
                recognizer, options = cast(Recognizer, self._engine), OPTIONS.validate_python(header["options"])
                return (yield from recognizer.transcribe_stream(Audio(samples, header["sample_rate"]), options))
            case "find_speech":
                activity, audio = VoiceActivity(**header["activity"]), Audio(samples, header["sample_rate"])
                return Spans(tuple(cast(Recognizer, self._engine).find_speech(audio, activity)))
            case "synthesize":
                return cast(Synthesizer, self._engine).synthesize(UTTERANCE.validate_python(header["utterance"]))
            case "synthesize_stream":
                utterance = UTTERANCE.validate_python(header["utterance"])
                yield from cast(Synthesizer, self._engine).synthesize_stream(utterance)
        return None

    def _load(self, header: Header) -> None:
        sys.path[:] = header["path"]
        settings = Settings(**header["settings"]).model_copy(
            update={"engine_isolation": (), "plugins": (), "blocked_plugins": ()}
        )
        logs.configure(settings)
        plugins = load_plugins(settings, [EntryPoint(**header["plugin"])])
        if header["engine"] not in plugins.engines:
            reasons = "; ".join(failure.reason for failure in plugins.failures)
            raise ConfigurationError(f"its plugin does not bring it in a process of its own: {reasons}")
        engine = plugins.engines[header["engine"]]
        engine.load()
        self._engine = engine

    def _told(self, number: int) -> progress.Listener:
        return lambda fraction: self._say(number, {"kind": "progress", "fraction": fraction}, None)

    def _say(self, number: int, fields: Header, sound: Samples | None) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            self._wire.send({"call": number, **fields}, sound)

    @property
    def _name(self) -> str:
        return self._engine.name if self._engine else "the engine"


def end_with_parent(lifeline: int) -> None:
    """Have the kernel end this process when the other end of the pipe `lifeline` is closed.

    It does so even while an engine keeps the interpreter to itself, when a thread that watches could not.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)  # ends the process
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # it was closed before
        os._exit(0)


def main() -> None:
    """Serve on the socket whose descriptor is the first argument; the second is the lifeline."""
    end, lifeline = map(int, sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(lifeline)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Server(Wire(socket.socket(fileno=end))).serve()
    os._exit(0)  # at once: calls that still run are wanted by nobody


if __name__ == "__main__":
    main()
