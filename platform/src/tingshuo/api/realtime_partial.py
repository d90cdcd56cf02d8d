"""Text while somebody still speaks: which part of it will stay."""

from __future__ import annotations

from dataclasses import dataclass, field

from tingshuo.api.realtime_events import new_id


@dataclass(slots=True)
class OpenTurn:
    """A turn that goes on. `start` in seconds; `sent` is the text that clients were told will stay."""

    start: float
    item: str = field(default_factory=lambda: new_id("item"))
    closed: bool = False
    sent: str = ""
    _last: str = ""

    def heard(self, text: str) -> str:
        """What to add to the text sent so far, now that the whole is heard as `text`.

        Two hypotheses in a row must agree on it (LocalAgreement: Liu, Niehues and Waibel 2020), a Latin word must be
        complete, and marks at the end wait, for they change as the sentence goes on.
        """
        agreed = _common(self._last, text)
        self._last = text
        if len(agreed) < len(text) and _within_word(agreed, text):
            agreed = agreed[: len(agreed) - len(_last_word(agreed))]
        while agreed and not agreed[-1].isalnum():
            agreed = agreed[:-1]
        return self._more(agreed)

    def ended(self, text: str) -> str:
        """What is still to be sent of the final text; nothing where it changed what was sent."""
        return self._more(text)

    def _more(self, text: str) -> str:
        if not text.startswith(self.sent):
            return ""
        more, self.sent = text[len(self.sent) :], text
        return more


def _common(one: str, other: str) -> str:
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:same]


def _within_word(agreed: str, text: str) -> bool:
    return bool(_last_word(agreed)) and text[len(agreed)].isascii() and text[len(agreed)].isalnum()


def _last_word(text: str) -> str:
    end = len(text)
    while end and text[end - 1].isascii() and text[end - 1].isalnum():
        end -= 1
    return text[end:]
