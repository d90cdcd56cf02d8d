"""Text that comes in pieces -> sentences, each as soon as it is complete."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: After a Chinese mark at once; after a Latin one only with white space, for it may stand in a number.
_END = re.compile(r"(?<=[。！？；\n])|(?<=[.!?])\s+")


@dataclass(slots=True)
class Sentences:
    """What was not given out yet."""

    rest: str = ""

    def add(self, text: str) -> list[str]:
        """The sentences that are complete now."""
        *whole, self.rest = _END.split(self.rest + text)
        return [sentence.strip() for sentence in whole if sentence.strip()]

    def end(self) -> list[str]:
        """What is left at the end."""
        rest, self.rest = self.rest.strip(), ""
        return [rest] if rest else []
