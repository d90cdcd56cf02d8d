"""A realtime session: sound in, turns found, partial and final texts out.

Three tasks. One reads the client's events and checks them; one carries them out in order and finds turns; one has the
finished turns recognised. Between them are bounded queues: where an engine is slow the client is read more slowly, and
nothing grows. Inference happens in threads, through `Engines` like any other request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import anyio
import anyio.abc

from tingshuo.api import realtime_events as events
from tingshuo.api.realtime_buffer import SoundBuffer
from tingshuo.api.realtime_config import SessionConfig
from tingshuo.api.realtime_orders import Append, Clear, Commit, Order, Update
from tingshuo.api.realtime_partial import OpenTurn
from tingshuo.api.realtime_work import Work
from tingshuo.cancellation import Cancellation
from tingshuo.errors import AuthenticationFailed, InvalidAudio, LimitExceeded, PermissionDenied, TingshuoError
from tingshuo.turns import LevelDetector, Span, Turns
from tingshuo.types import Audio, Samples

log = logging.getLogger(__name__)

#: Seconds of sound between two looks for speech, and between two partial texts.
STEP, PARTIAL = 0.2, 0.3
#: Pieces of at most `STEP` that wait to be listened to, and turns that wait to be recognised.
_INBOX, _TURNS = 100, 4
#: Seconds of sound that a commit needs, as OpenAI has it.
_LEAST_COMMIT = 0.1


class NothingToCommit(InvalidAudio):
    """A commit without sound before it."""

    code = "input_audio_buffer_commit_empty"


@dataclass(frozen=True, slots=True, eq=False)
class _Finished:
    """A turn to be recognised."""

    turn: OpenTurn
    audio: Audio
    config: SessionConfig


class RealtimeSession:
    """One conversation. `send` gives an event to the client, `end` ends the session and says why."""

    def __init__(
        self,
        work: Work,
        config: SessionConfig,
        send: Callable[[events.Event], Awaitable[None]],
        end: Callable[[TingshuoError], None],
    ) -> None:
        self.id = events.new_id("sess")
        self.expires_at = int(time.time() + work.settings.realtime_session_seconds)
        self.config = config
        self._work, self._send, self._end = work, send, end
        self._inbox: asyncio.Queue[Order] = asyncio.Queue(_INBOX)
        self._finished: asyncio.Queue[_Finished] = asyncio.Queue(_TURNS)
        self._buffer = SoundBuffer(config.sample_rate)
        self._turns, self._levels = Turns(), LevelDetector()
        self._looked, self._full = 0.0, False
        self._turn: OpenTurn | None = None
        self._previous: str | None = None
        self._partial, self._partial_at = False, 0.0
        self._wanted: set[Cancellation] = set()
        self._group: anyio.abc.TaskGroup

    async def put(self, order: Order) -> None:
        """Have an order carried out after those before it; waits while too much is waiting already."""
        if not isinstance(order, Append):
            await self._inbox.put(order)
            return
        size = round(STEP * self.config.sample_rate)
        for start in range(0, len(order.samples), size):
            await self._inbox.put(Append(order.samples[start : start + size]))

    async def run(self) -> None:
        """Carry out orders and recognise turns until cancelled."""
        async with anyio.create_task_group() as self._group:
            for task in (self._warm_up, self._listen, self._recognise, self._let_go):
                self._group.start_soon(task)

    async def _warm_up(self) -> None:
        """Load the engine while the client still prepares; what is wrong with it the first turn will tell."""
        with contextlib.suppress(TingshuoError), self._cancellation() as wanted:
            await self._work.load(self.config, wanted)

    async def _let_go(self) -> None:
        """Call off what engines still do for the session when it ends: threads hear of no cancelled task."""
        try:
            await anyio.sleep_forever()
        finally:
            for wanted in list(self._wanted):
                wanted.cancel()

    async def _listen(self) -> None:
        while True:
            match await self._inbox.get():
                case Append(samples):
                    await self._hear(samples)
                case Commit(event_id):
                    await self._commit(event_id)
                case Clear():
                    self._forget()
                    await self._send(events.event("input_audio_buffer.cleared"))
                case Update() as update:
                    await self._update(update)

    # ---- sound

    async def _hear(self, samples: Samples) -> None:
        if self.config.turns is None and self._buffer.end - self._buffer.start >= self._work.longest_turn:
            if not self._full:
                self._full = True
                most = f"{self._work.longest_turn:g} s"
                await self._send(events.error(LimitExceeded(f"the buffer holds {most}, the most a turn may have")))
            return
        self._buffer.append(samples)
        if self.config.turns is not None and self._buffer.end - self._looked >= STEP:
            self._looked = self._buffer.end
            await self._look()

    async def _look(self) -> None:
        """See what the newest sound means for the turn."""
        activity = self.config.turns
        assert activity is not None
        now = self._buffer.end
        since = max(self._buffer.start, self._turns.window(now, activity.silence or 0))
        speech = [(since + start, since + end) for start, end in await self._speech(self._buffer.since(since))]
        boundary = self._turns.heard(speech, now)
        if boundary and boundary.kind == "started":
            # Padding never reaches back into the turn before: its sound is no longer there.
            self._turn = OpenTurn(max(boundary.at - (activity.padding or 0), self._buffer.start))
            await self._send(events.speech_started(self._turn.item, self._turn.start))
        elif self._turn and (boundary or now - self._turn.start >= self._work.longest_turn):
            self._turns.stop(now)
            await self._send(events.speech_stopped(self._turn.item, now))
            await self._close(self._turn)
        if self._turn:
            self._hear_partly(self._turn)
        else:
            self._buffer.drop(since - (activity.padding or 0))

    async def _speech(self, audio: Audio) -> Sequence[Span]:
        activity = self.config.turns
        assert activity is not None
        if self._work.finds_speech(self.config):
            try:
                with self._cancellation() as wanted:
                    return await self._work.find_speech(audio, activity, self.config, wanted)
            except TingshuoError as error:  # busy, say: the turn will tell the client if it lasts
                log.debug("speech is found by level: %s", error.message)
        return self._levels.find_speech(audio, activity)

    async def _commit(self, event_id: str | None) -> None:
        start = self._turn.start if self._turn else self._buffer.start
        heard = self._buffer.end - start
        if heard < _LEAST_COMMIT:
            wrong = NothingToCommit(f"the buffer has {1000 * heard:.0f} ms of sound; a commit needs 100 ms")
            await self._send(events.error(wrong, event_id))
            return
        await self._close(self._turn or OpenTurn(start))

    async def _close(self, turn: OpenTurn) -> None:
        """Hand a turn over to be recognised and begin anew."""
        finished = _Finished(turn, self._buffer.since(turn.start), self.config)
        turn.closed = True
        self._forget()
        await self._send(events.committed(turn.item, self._previous))
        self._previous = turn.item
        await self._finished.put(finished)

    def _forget(self) -> None:
        if self._turn:
            self._turn.closed = True
        self._turn, self._full = None, False
        self._buffer.drop(self._buffer.end)
        self._turns.stop(self._buffer.end)

    async def _update(self, update: Update) -> None:
        config = update.config
        if config.sample_rate != self.config.sample_rate or config.encoding != self.config.encoding:
            end = self._buffer.end
            self._forget()
            self._buffer, self._looked = SoundBuffer(config.sample_rate, end), end
        self.config = config
        kind, tell = ("transcription_session", config.old_document) if update.old else ("session", config.document)
        await self._send(events.event(f"{kind}.updated", session=tell(self.id, self.expires_at)))

    # ---- text

    def _hear_partly(self, turn: OpenTurn) -> None:
        """Begin a partial text, unless one is in the making or was made just now."""
        if not self._partial and time.monotonic() - self._partial_at >= PARTIAL:
            self._partial, self._partial_at = True, time.monotonic()
            self._group.start_soon(self._say_partly, turn, self._buffer.since(turn.start), self.config)

    async def _say_partly(self, turn: OpenTurn, audio: Audio, config: SessionConfig) -> None:
        try:
            with self._cancellation() as wanted:
                transcript = await self._work.transcribe(audio, config, wanted)
        except TingshuoError as error:  # the final text will come or tell why not
            log.debug("no partial text: %s", error.message)
            return
        finally:
            self._partial = False
        if not turn.closed and transcript.text:
            await self._send(events.delta(turn.item, turn.heard(transcript.text), transcript.text))

    async def _recognise(self) -> None:
        while True:
            finished = await self._finished.get()
            item = finished.turn.item
            try:
                with self._cancellation() as wanted:
                    heard = await self._work.record(finished.audio, finished.config, wanted)
            except (AuthenticationFailed, PermissionDenied) as error:
                self._end(error)
                return
            except TingshuoError as error:
                await self._send(events.failed(item, error))
                continue
            if rest := finished.turn.ended(heard.transcript.text):
                await self._send(events.delta(item, rest, heard.transcript.text))
            await self._send(events.completed(item, heard.transcript, heard.job_id, heard.recognizer.name))

    @contextlib.contextmanager
    def _cancellation(self) -> Iterator[Cancellation]:
        """How long a call is wanted: as long as the session lasts."""
        wanted = Cancellation()
        self._wanted.add(wanted)
        try:
            yield wanted
        finally:
            self._wanted.discard(wanted)
