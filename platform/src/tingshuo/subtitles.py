"""Transcript -> SubRip (srt), WebVTT (vtt), Advanced SubStation Alpha (ass) and song lines (lrc).

Cue times are measured ones; none is ever made up. What would be markup in a format is written with its escapes, or
where it has none with look-alikes.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import pysubs2

from tingshuo.cues import Layout, cues
from tingshuo.types import Transcript

Writer: TypeAlias = Callable[[Transcript, Layout], str]

#: Full-width forms of the marks that a format may take for its own.
_WIDE = {ord(mark): ord(mark) + 0xFEE0 for mark in "<>{}[]\\"}
#: Seconds of silence after a song line from which its end is told, by an empty line.
_LRC_PAUSE = 0.3


def to_srt(transcript: Transcript, layout: Layout = Layout()) -> str:
    """SubRip. Raises `InvalidRequest` where a segment has no measured times."""
    return _written(transcript, layout, "srt", _srt_text)


def to_vtt(transcript: Transcript, layout: Layout = Layout()) -> str:
    """WebVTT. Raises `InvalidRequest` where a segment has no measured times."""
    return _written(transcript, layout, "vtt", _vtt_text)


def to_ass(transcript: Transcript, layout: Layout = Layout()) -> str:
    """Advanced SubStation Alpha; the actor of a line is the channel. Raises `InvalidRequest` as above."""
    return _written(transcript, layout, "ass", _ass_text)


def to_lrc(transcript: Transcript, layout: Layout = Layout()) -> str:
    """Song lines, `[mm:ss.xx]text`: one line a cue, whatever `max_lines` says. Raises `InvalidRequest` as above.

    The format has no ends: where nothing follows for a while, a line without text takes the last one away.
    """
    lines: list[str] = []
    found = cues(transcript, replace(layout, max_lines=1))
    for cue, after in zip(found, [*found[1:], None], strict=True):
        text = " ".join((cue.prefix + cue.text).split())
        lines.append(_lrc_time(cue.start) + text.translate(_WIDE))
        if after is None or after.start - cue.end > _LRC_PAUSE:
            lines.append(_lrc_time(cue.end))
    return "".join(f"{line}\n" for line in lines)


#: The formats that show text at times, by the ending of their files.
WRITERS: Mapping[str, Writer] = {"srt": to_srt, "vtt": to_vtt, "ass": to_ass, "lrc": to_lrc}


def _written(transcript: Transcript, layout: Layout, format_: str, escape: Callable[[str], str]) -> str:
    subtitles = pysubs2.SSAFile()
    for cue in cues(transcript, layout):
        text = cue.prefix + r"\N".join(escape(_plain(line)) for line in cue.lines)
        event = pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000), text=text)
        event.name = cue.speaker
        subtitles.append(event)
    # With tags "kept" pysubs2 leaves braces alone instead of taking them for its own styling.
    options = {} if format_ == "ass" else {"keep_ssa_tags": True}
    return subtitles.to_string(format_, **options)


def _plain(text: str) -> str:
    # pysubs2 reads backslash + N, n, h as white space; a blank line would end a cue.
    return " ".join(text.split()).translate({ord("\\"): _WIDE[ord("\\")]})


def _vtt_text(text: str) -> str:
    return html.escape(text, quote=False)


def _srt_text(text: str) -> str:
    """SubRip has no escapes for what would be markup or a time line."""
    return text.translate({mark: _WIDE[mark] for mark in map(ord, "<>")})


def _ass_text(text: str) -> str:
    """Braces would begin a style."""
    return text.translate({mark: _WIDE[mark] for mark in map(ord, "{}")})


def _lrc_time(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"[{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}]"
