"""A transcript in OpenAI's five response formats. What OpenAI has no field for is under the key `tingshuo`."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse, PlainTextResponse, Response

from tingshuo.api.transcription_form import TranscriptionFields
from tingshuo.documents import raw_text, rich_text, segment_document
from tingshuo.engine import Recognizer
from tingshuo.subtitles import to_srt, to_vtt
from tingshuo.types import UNKNOWN, Segment, Transcript

#: OpenAI's verbose_json names languages in full.
_LANGUAGES = {"zh": "chinese", "en": "english", "yue": "cantonese", "ja": "japanese", "ko": "korean"}
#: What is there of a segment at OpenAI's own level.
_SHARED = frozenset(("start", "end", "text", "words"))


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcript, the engine that heard it and the job that recorded it."""

    job_id: str
    recognizer: Recognizer
    transcript: Transcript


def rendered(heard: Heard, fields: TranscriptionFields) -> Response:
    """The reply in the format that was asked for."""
    transcript = heard.transcript
    headers = {"x-tingshuo-job": heard.job_id}
    match fields.response_format:
        case "text":
            return PlainTextResponse(f"{_text(transcript, fields)}\n", headers=headers)
        case "srt":
            return Response(to_srt(transcript), media_type="application/x-subrip; charset=utf-8", headers=headers)
        case "vtt":
            return Response(to_vtt(transcript), media_type="text/vtt", headers=headers)
        case "verbose_json":
            return JSONResponse(_verbose(heard, fields), headers=headers)
        case _:
            return JSONResponse(_plain(heard, fields), headers=headers)


def _text(transcript: Transcript, fields: TranscriptionFields) -> str:
    if fields.raw:
        return raw_text(transcript)
    if fields.rich or fields.emoji:
        return rich_text(transcript, fields.rich or "zh", fields.emoji)
    return transcript.text


def _plain(heard: Heard, fields: TranscriptionFields) -> dict[str, Any]:
    segments = [segment_document(segment) | _raw(segment, fields) for segment in heard.transcript.segments]
    return {
        "text": _text(heard.transcript, fields),
        "usage": _usage(heard.transcript),
        "tingshuo": {**_summary(heard), "segments": segments},
    }


def _verbose(heard: Heard, fields: TranscriptionFields) -> dict[str, Any]:
    transcript = heard.transcript
    document: dict[str, Any] = {
        "task": "transcribe",
        "language": _LANGUAGES.get(transcript.language or "", transcript.language or ""),
        "duration": round(transcript.duration, 3),
        "text": _text(transcript, fields),
        "segments": [_segment(number, segment, fields) for number, segment in enumerate(transcript.segments)],
        "usage": _usage(transcript),
        "tingshuo": _summary(heard),
    }
    if "word" in fields.timestamp_granularities:
        document["words"] = [
            word for segment in transcript.segments for word in segment_document(segment).get("words", [])
        ]
    return document


def _segment(number: int, segment: Segment, fields: TranscriptionFields) -> dict[str, Any]:
    document = segment_document(segment)
    ours = {key: value for key, value in document.items() if key not in _SHARED} | _raw(segment, fields)
    return {
        "id": number,
        # Whisper's own unit: frames of 10 ms.
        "seek": round(segment.start * 100),
        "start": document["start"],
        "end": document["end"],
        "text": segment.text,
        # Clients' models demand these. The engines have no such tokens and probabilities: neutral values.
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "compression_ratio": _compression_ratio(segment.text),
        "no_speech_prob": 0.0,
        "tingshuo": ours,
    }


def _compression_ratio(text: str) -> float:
    """As Whisper computes it: high where a decoder repeats itself."""
    encoded = text.encode()
    return round(len(encoded) / len(zlib.compress(encoded)), 3)


def _raw(segment: Segment, fields: TranscriptionFields) -> dict[str, str]:
    return {"raw": segment.raw} if fields.raw else {}


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcript.duration, 3)}


def _summary(heard: Heard) -> dict[str, Any]:
    """The whole in brief; `emotions` in seconds of speech, `events` in occurrences."""
    emotions: defaultdict[str, float] = defaultdict(float)
    for segment in heard.transcript.segments:
        if segment.emotion or segment.emotion_scores:
            emotions[segment.emotion or UNKNOWN] += segment.end - segment.start
    model = heard.recognizer.model()
    return {
        "job": heard.job_id,
        "engine": heard.recognizer.name,
        "model": {"name": model.name, "origin": model.origin},
        "language": heard.transcript.language,
        "duration": round(heard.transcript.duration, 3),
        "emotions": {label: round(seconds, 3) for label, seconds in emotions.items()},
        "events": Counter(event.label for segment in heard.transcript.segments for event in segment.events),
    }
