"""The audit trail: who changed what about the server. Lines of the logger `tingshuo.audit`, at INFO.

They go where all log lines go, in the same format; a collector tells them apart by the logger's name.
"""

from __future__ import annotations

import logging

from tingshuo.logs import FIELDS

log = logging.getLogger(__name__)


def record(action: str, caller: str, target: str, **details: object) -> None:
    """Say that `caller` (a key's id) did `action` to `target`. No token and no text belongs into `details`."""
    fields = {"action": action, "caller": caller, "target": target, **details}
    told = " ".join(f"{key}={value!r}" for key, value in details.items())
    log.info("%s by %s: %s %s", action, caller, target, told, extra={FIELDS: fields})
