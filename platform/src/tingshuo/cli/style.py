"""How a transcript is written: the formats of `tingshuo transcribe`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tingshuo.cli.console import refuse

if TYPE_CHECKING:
    from tingshuo.cues import Layout
    from tingshuo.types import Transcript


class Format(StrEnum):
    """What is written for one recording."""

    TXT = "txt"
    JSON = "json"
    JSONL = "jsonl"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    LRC = "lrc"
    CSV = "csv"


class Locale(StrEnum):
    """Languages that emotions and events are named in."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Style:
    """The format and what goes into it: `rich` and `emoji` for txt, `raw` for txt and json, `layout` for subtitles."""

    format: Format
    rich: Locale | None = None
    emoji: bool = False
    raw: bool = False
    layout: Layout | None = None

    def check(self) -> None:
        """End the command if the parts do not go together."""
        if (self.rich or self.emoji) and self.format is not Format.TXT:
            refuse(f"--rich and --emoji are for --format txt, not {self.format}; json has emotions and events anyway")
        if self.raw and self.format not in (Format.TXT, Format.JSON, Format.JSONL):
            refuse(f"--raw is for --format txt, json or jsonl, not {self.format}")
        if self.raw and (self.rich or self.emoji):
            refuse("--raw does not go with --rich or --emoji")

    def check_many(self) -> None:
        """End the command if several transcripts cannot follow one another in this format."""
        if self.format in (Format.SRT, Format.VTT, Format.ASS, Format.LRC, Format.CSV):
            refuse(f"{self.format} of several recordings needs --out FOLDER: each gets a file of its own")

    def render(self, transcript: Transcript, file: str) -> str:
        """The transcript of `file` as text that ends with a line feed."""
        match self.format:
            case Format.JSON:
                return json.dumps(self._document(transcript, file), ensure_ascii=False, indent=2) + "\n"
            case Format.JSONL:
                return json.dumps(self._document(transcript, file), ensure_ascii=False) + "\n"
            case Format.TXT:
                return self._text(transcript).rstrip("\n") + "\n"
            case _:
                return _timed(transcript, self)

    def _document(self, transcript: Transcript, file: str) -> dict[str, Any]:
        from tingshuo.documents import transcript_document

        document: dict[str, Any] = {"file": file, **transcript_document(transcript)}
        if self.raw:
            for written, segment in zip(document["segments"], transcript.segments, strict=True):
                written["raw"] = segment.raw
        return document

    def _text(self, transcript: Transcript) -> str:
        from tingshuo.documents import raw_text, rich_text

        if self.raw:
            return raw_text(transcript)
        if self.rich or self.emoji:
            return rich_text(transcript, self.rich.value if self.rich else "zh", self.emoji)
        return transcript.text


def _timed(transcript: Transcript, style: Style) -> str:
    from tingshuo.cues import Layout
    from tingshuo.documents import to_csv
    from tingshuo.subtitles import WRITERS

    if style.format is Format.CSV:
        return to_csv(transcript)
    return WRITERS[style.format](transcript, style.layout or Layout())
