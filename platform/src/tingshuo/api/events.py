"""Server-sent events as OpenAI sends them: `data: {"type": …}` and an empty line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from tingshuo.api.envelope import error_document
from tingshuo.api.streaming import Outlet
from tingshuo.errors import TingshuoError
from tingshuo.logs import wording

log = logging.getLogger(__name__)

#: Media type of a stream of events.
EVENTS = "text/event-stream"


def event(document: Mapping[str, object]) -> bytes:
    """One event; its JSON holds no line end, which would end the event."""
    return f"data: {json.dumps(document, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def telling(call: Callable[[Outlet], None]) -> Callable[[Outlet], None]:
    """`call`, of which a failure after the first event is told by a last one, `{"type": "error", "error": …}`."""

    def told(out: Outlet) -> None:
        try:
            call(out)
        except TingshuoError as error:
            if not out.begun:
                raise
            log.error("job %s failed while it was sent: %s: %s", out.job, error.code, wording(error))
            out.end_with(event({"type": "error", **error_document(error)}))

    return told
