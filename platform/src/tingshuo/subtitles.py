"""Transcript -> SubRip (srt) and WebVTT (vtt). Cue times are measured ones; none is ever made up."""

from __future__ import annotations

import html
from collections.abc import Callable

import pysubs2

from tingshuo.errors import InvalidRequest
from tingshuo.types import Segment, Transcript


def to_srt(transcript: Transcript) -> str:
    """SubRip. Raises `InvalidRequest` where a segment has no measured times."""
    return _written(transcript, "srt", _srt_text)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT. Raises `InvalidRequest` where a segment has no measured times."""
    return _written(transcript, "vtt", _vtt_text)


def _written(transcript: Transcript, format_: str, escape: Callable[[str], str]) -> str:
    subtitles = pysubs2.SSAFile()
    for segment in transcript.segments:
        if segment.text.strip():
            subtitles.append(_cue(segment, escape))
    # With tags "kept" pysubs2 leaves braces alone instead of taking them for its own styling.
    return subtitles.to_string(format_, keep_ssa_tags=True)


def _cue(segment: Segment, escape: Callable[[str], str]) -> pysubs2.SSAEvent:
    # All or nothing: subtitles that silently lack a sentence are worse than none.
    if segment.timing is None:
        raise InvalidRequest(
            "the recogniser measured no times for this audio, so there are no subtitles; ask for json or text",
            param="response_format",
        )
    speaker = f"[{segment.channel}] " if segment.channel else ""
    start, end = round(segment.start * 1000), round(segment.end * 1000)
    return pysubs2.SSAEvent(start=start, end=end, text=speaker + escape(_plain(segment.text)))


def _plain(text: str) -> str:
    # A blank line would end the cue; pysubs2 reads backslash + N, n, h as white space.
    return " ".join(text.split()).replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")


def _vtt_text(text: str) -> str:
    return html.escape(text, quote=False)


def _srt_text(text: str) -> str:
    """SubRip has no escapes: what would be markup or a time line is written with look-alikes."""
    return text.replace("<", "\N{FULLWIDTH LESS-THAN SIGN}").replace(">", "\N{FULLWIDTH GREATER-THAN SIGN}")
