"""Stereo calls: each channel recognised on its own, the segments of both told in the order they were spoken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tingshuo import progress
from tingshuo.audio import Side
from tingshuo.engines import Engines
from tingshuo.types import Audio, Segment, TranscribeOptions, Transcript


def transcribe_channels(
    engines: Engines, channels: Sequence[tuple[Side | None, Audio]], options: TranscribeOptions, engine: str = ""
) -> Transcript:
    """The transcript of what `read_audio` gave: with two channels, `Segment.channel` says who spoke.

    Segments are merged by start time; where the recogniser measures no times, all of the left channel comes first.
    """
    heard = []
    for number, (side, audio) in enumerate(channels):
        with progress.part(number, len(channels)):
            heard.append((side, engines.transcribe(audio, options, engine)))
    if len(heard) == 1:
        return heard[0][1]
    segments = [replace(segment, channel=side) for side, transcript in heard for segment in transcript.segments]
    segments.sort(key=lambda segment: segment.start)
    return Transcript(
        text="\n".join(segment.text for segment in segments if segment.text),
        language=_main_language(segments),
        duration=max(transcript.duration for _, transcript in heard),
        segments=tuple(segments),
    )


def _main_language(segments: Sequence[Segment]) -> str | None:
    """The language spoken longest."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for segment in segments:
        if segment.language:
            seconds[segment.language] += segment.end - segment.start
    return max(seconds, key=seconds.__getitem__, default=None)
