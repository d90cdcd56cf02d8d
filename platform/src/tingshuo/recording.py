"""A job while it is worked on: what the work hands over."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tingshuo.blobs import Content

#: The ending of a file name that may become part of one of ours.
FORMAT = re.compile(r"[a-z0-9]{1,10}")


def new_job_id(microseconds: int | None = None) -> str:
    """`job_`, the time in microseconds and 64 random bits, in hex: ids sort by time and cannot be guessed."""
    return f"job_{microseconds or time.time_ns() // 1000:014x}{secrets.token_hex(8)}"


@dataclass(slots=True)
class Recording:
    """What a job gave. Kept by the history when the `with` block ends without an exception."""

    id: str = field(default_factory=new_job_id)
    result: Mapping[str, object] | None = None
    audio_seconds: float | None = None
    characters: int | None = None
    audio: Content | None = None
    audio_format: str | None = None
    link_expires: datetime | None = None

    def finish(
        self,
        result: Mapping[str, object],
        *,
        audio_seconds: float | None = None,
        characters: int | None = None,
        audio: Content | None = None,
        audio_format: str | None = None,
        link_expires: datetime | None = None,
    ) -> None:
        """Hand over the result (JSON) and the audio taken in (transcription) or given out (everything else).

        Texts and audio are kept as the settings say; with `link_expires` the audio is kept at least until then.
        """
        self.result = result
        self.audio_seconds, self.characters = audio_seconds, characters
        self.audio, self.link_expires = audio, link_expires
        # It may be the ending of somebody's file name, and it becomes part of ours.
        self.audio_format = audio_format if FORMAT.fullmatch(audio_format or "") else None
