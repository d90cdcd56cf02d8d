"""WS /v1/realtime?intent=transcription: speech as it is spoken, in the events of OpenAI's realtime API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from tingshuo import client_secrets
from tingshuo.api import envelope
from tingshuo.api import realtime_events as events
from tingshuo.api.realtime_config import SessionConfig
from tingshuo.api.realtime_orders import Update, event_id, event_of, order_of
from tingshuo.api.realtime_session import RealtimeSession
from tingshuo.api.realtime_work import Work
from tingshuo.api.services import Services
from tingshuo.auth import authenticate
from tingshuo.errors import AuthenticationFailed, EngineBusy, InvalidRequest, TingshuoError

router = APIRouter()

#: What a browser offers beside its key, for it cannot send headers: OpenAI's names.
_PROTOCOL, _KEY_PROTOCOL = "realtime", "openai-insecure-api-key."
#: Close codes of RFC 6455: normal, and policy violation.
_NORMAL, _POLICY = 1000, 1008


class SessionExpired(InvalidRequest):
    """A session lasted as long as the server lets it."""

    code = "session_expired"


@router.websocket("/v1/realtime")
async def realtime(websocket: WebSocket) -> None:
    """Take the connection if the key is good, then listen until either side ends it."""
    services: Services = websocket.app.state.services
    try:
        work, config = await _admitted(websocket, services)
    except TingshuoError as error:
        # Before the connection is taken, so that the client sees the status of any other request.
        await websocket.send_denial_response(envelope.reply(error))
        return
    state = websocket.app.state
    state.realtime_sessions = getattr(state, "realtime_sessions", 0) + 1
    try:
        offered = websocket.scope.get("subprotocols", ())
        await websocket.accept(subprotocol=_PROTOCOL if _PROTOCOL in offered else None)
        await _Connection(websocket).serve(work, config)
    finally:
        state.realtime_sessions -= 1


async def _admitted(websocket: WebSocket, services: Services) -> tuple[Work, SessionConfig]:
    """Who connects, and how the session begins. Raises what is wrong with the request."""
    token = _token(websocket)
    known = client_secrets.redeem if token.startswith(client_secrets.PREFIX) else authenticate
    caller = await anyio.to_thread.run_sync(known, services.settings, token)
    websocket.state.caller = caller
    caller.require("transcribe")
    intent = websocket.query_params.get("intent", "")
    if intent != "transcription":
        raise InvalidRequest(f"intent is {intent[:40]!r}; only transcription is there", param="intent")
    most = services.settings.realtime_sessions
    if getattr(websocket.app.state, "realtime_sessions", 0) >= most:
        raise EngineBusy(f"there are {most} realtime sessions, the most there may be; try again soon", retry_after=5)
    work = Work(services, caller)
    return work, work.checked(SessionConfig(model=websocket.query_params.get("model", "")))


def _token(websocket: WebSocket) -> str:
    kind, _, token = websocket.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    for offered in websocket.scope.get("subprotocols", ()):
        if offered.startswith(_KEY_PROTOCOL):
            return str(offered.removeprefix(_KEY_PROTOCOL))
    raise AuthenticationFailed("no API key; send `Authorization: Bearer ts-…` or the subprotocol of a browser")


class _Connection:
    """An accepted websocket, and why it ends: `_cause`, or nothing where the client has gone."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._sending = asyncio.Lock()
        self._scope = anyio.CancelScope()
        self._cause: TingshuoError | None = None

    async def serve(self, work: Work, config: SessionConfig) -> None:
        """Run a session until the client leaves, its time is over or its key is good no more."""
        session = RealtimeSession(work, config, self.send, self._end)
        old = self._websocket.headers.get("openai-beta", "") == "realtime=v1"
        kind, tell = ("transcription_session", config.old_document) if old else ("session", config.document)
        await self.send(events.event(f"{kind}.created", session=tell(session.id, session.expires_at)))
        seconds = work.settings.realtime_session_seconds
        self._scope.deadline = anyio.current_time() + seconds
        with self._scope:
            async with anyio.create_task_group() as group:
                group.start_soon(self._read, session, work)
                group.start_soon(session.run)
        if self._scope.cancelled_caught and self._cause is None and anyio.current_time() >= self._scope.deadline:
            self._cause = SessionExpired(f"the session has lasted {seconds:g} s; begin a new one")
        if self._cause:
            await self.send(events.error(self._cause))
            await self._websocket.close(_NORMAL if isinstance(self._cause, SessionExpired) else _POLICY)

    def _end(self, cause: TingshuoError | None = None) -> None:
        self._cause = cause
        self._scope.cancel()

    async def _read(self, session: RealtimeSession, work: Work) -> None:
        """Hand over what the client sends; what is wrong with it is told and ends nothing."""
        wanted = session.config
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            event: dict[str, Any] = {}
            try:
                event = event_of(message.get("text"))
                order = order_of(event, wanted)
                if isinstance(order, Update):
                    wanted = work.checked(order.config)
            except TingshuoError as error:
                await self.send(events.error(error, event_id(event)))
                continue
            await session.put(order)
        self._end()

    async def send(self, event: events.Event) -> None:
        """Give an event to the client; several tasks do. Where it has gone, the session ends."""
        async with self._sending:
            try:
                await self._websocket.send_text(json.dumps(event, ensure_ascii=False))
            except WebSocketDisconnect:
                self._end()
