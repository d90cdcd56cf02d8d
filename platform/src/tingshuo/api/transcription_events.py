"""A transcript as OpenAI's events, each segment as soon as it is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from tingshuo.api.events import event
from tingshuo.api.transcription_form import TranscriptionFields
from tingshuo.api.transcription_replies import Heard, logprobs_of, segment_event, summary
from tingshuo.types import Segment, Token


class Telling:
    """The events of one transcript."""

    def __init__(self, fields: TranscriptionFields) -> None:
        self._fields = fields
        self._told = ""
        self._count = 0
        self._tokens: list[Token] = []

    def segment(self, segment: Segment) -> bytes:
        """A delta with the text of a segment; with verbose_json and diarized_json the segment after it."""
        whole = segment_event(self._count, segment, self._fields)
        apart = self._fields.response_format in ("verbose_json", "diarized_json")
        delta: dict[str, Any] = {"type": "transcript.text.delta", "delta": self._delta(segment)}
        if apart:
            delta["segment_id"] = whole["id"]
        self._count += 1
        self._tokens += segment.tokens
        # A segment may hold a sound event and no text.
        events = event(delta | self._logprobs(segment.tokens)) if segment.text else b""
        return events + event(whole) if apart else events

    def done(self, heard: Heard) -> bytes:
        """The last event: the whole text, and ours."""
        document = {
            "type": "transcript.text.done",
            "text": heard.transcript.text,
            **self._logprobs(self._tokens),
            "tingshuo": summary(heard),
        }
        return event(document)

    def _delta(self, segment: Segment) -> str:
        gap = "\n" if segment.channel else _gap(self._told, segment.text)
        delta = gap + segment.text if self._told else segment.text
        self._told = segment.text or self._told
        return delta

    def _logprobs(self, tokens: Sequence[Token]) -> dict[str, Any]:
        return {"logprobs": logprobs_of(tokens)} if self._fields.include else {}


def _gap(before: str, after: str) -> str:
    """What stands between two texts: nothing between two characters of Chinese or Japanese, else a space."""
    return "" if before and after and _wide((before[-1], after[0])) else " "


def _wide(characters: Iterable[str]) -> bool:
    # Korean is wide too, but written with spaces.
    return all(
        unicodedata.east_asian_width(one) in "WF" and not unicodedata.name(one, "").startswith("HANGUL")
        for one in characters
    )
