"""Fields of a transcription beyond recognition itself: hotwords, subtitles, preprocessing."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from tingshuo.api.bodies import Body
from tingshuo.cues import Layout, Prefix
from tingshuo.hotwords import hotwords_of
from tingshuo.types import TranscribeOptions


class ExtraFields(Body):
    """What is done by the platform, before and after the engine."""

    prompt: str = Field("", description="Short pieces between commas are hotwords, put right in the text by sound.")
    keywords: list[str] = Field([], description="Hotwords, one each.")
    denoise: bool = Field(False, description="Take noise away before recognition (extra `preprocessing`).")
    loudness: bool = Field(False, description="Bring speech to -23 LUFS before recognition (extra `preprocessing`).")
    max_line_length: int | None = Field(
        None, ge=8, le=200, description="Subtitles: columns of a line; a Han takes two."
    )
    max_lines: int = Field(2, ge=1, le=4, description="Subtitles: lines of a cue.")
    max_cue_seconds: float | None = Field(None, ge=0.5, le=60, description="Subtitles: the longest cue.")
    prefix: Prefix = Field("speaker", description="Subtitles: what a segment begins with.")

    def layout(self) -> Layout:
        """How subtitles are laid out."""
        return Layout(self.max_line_length, self.max_lines, self.max_cue_seconds, self.prefix)

    def extended(self, options: TranscribeOptions) -> TranscribeOptions:
        """`options` with what these fields ask for; raises `InvalidRequest` for too many hotwords."""
        return replace(
            options,
            words=options.words or self.layout().divides,
            denoise=self.denoise,
            loudness=self.loudness,
            hotwords=hotwords_of(self.prompt, self.keywords),
        )
