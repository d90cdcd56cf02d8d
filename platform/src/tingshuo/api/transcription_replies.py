"""A transcript in OpenAI's response formats and three of ours. What OpenAI has no field for is under `tingshuo`."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse, PlainTextResponse, Response

from tingshuo.api.transcription_form import TranscriptionFields
from tingshuo.documents import hotwords_document, raw_text, rich_text, segment_document, to_csv
from tingshuo.engine import Recognizer
from tingshuo.subtitles import WRITERS
from tingshuo.types import UNKNOWN, Segment, Token, Transcript

#: OpenAI's verbose_json names languages in full.
_LANGUAGES = {"zh": "chinese", "en": "english", "yue": "cantonese", "ja": "japanese", "ko": "korean"}
_MEDIA_TYPES = {
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt",
    "ass": "text/x-ssa; charset=utf-8",
    "lrc": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}
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
        case "srt" | "vtt" | "ass" | "lrc" as name:
            return Response(WRITERS[name](transcript, fields.layout()), media_type=_MEDIA_TYPES[name], headers=headers)
        case "csv":
            return Response(to_csv(transcript), media_type=_MEDIA_TYPES["csv"], headers=headers)
        case "diarized_json":
            return JSONResponse(_diarized(heard, fields), headers=headers)
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
    transcript = heard.transcript
    segments = [segment_document(segment) | _raw(segment, fields) for segment in transcript.segments]
    tokens = [token for segment in transcript.segments for token in segment.tokens]
    return {
        "text": _text(transcript, fields),
        **({"logprobs": logprobs_of(tokens)} if fields.include else {}),
        "usage": _usage(transcript),
        "tingshuo": {**summary(heard), "segments": segments},
    }


def logprobs_of(tokens: Sequence[Token]) -> list[dict[str, Any]]:
    """Tokens as OpenAI tells them: their text, the same in bytes, the natural logarithm of their probability."""
    return [
        {"token": token.text, "bytes": list(token.text.encode()), "logprob": round(token.logprob, 6)}
        for token in tokens
    ]


def _diarized(heard: Heard, fields: TranscriptionFields) -> dict[str, Any]:
    transcript = heard.transcript
    return {
        "task": "transcribe",
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "segments": [segment_event(number, one, fields) for number, one in enumerate(transcript.segments)],
        "usage": _usage(transcript),
        "tingshuo": summary(heard),
    }


def segment_event(number: int, segment: Segment, fields: TranscriptionFields) -> dict[str, Any]:
    """A segment with its speaker, as OpenAI sends it in diarized_json and in events.

    Speakers are the channels; where these were not recognised apart, nobody knows who spoke and the name is empty.
    """
    names = fields.known_speaker_names or ("A", "B")
    document = segment_document(segment)
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number:04d}",
        "start": document["start"],
        "end": document["end"],
        "speaker": names[segment.channel == "right"] if segment.channel else "",
        "text": segment.text,
        "tingshuo": {key: value for key, value in document.items() if key not in _SHARED} | _raw(segment, fields),
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
        "tingshuo": summary(heard),
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
        # Clients' models demand these. The engines have no such numbers: neutral values.
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": _mean_logprob(segment.tokens),
        "compression_ratio": _compression_ratio(segment.text),
        "no_speech_prob": 0.0,
        "tingshuo": ours,
    }


def _mean_logprob(tokens: Sequence[Token]) -> float:
    """0 where the engine gives none."""
    return round(sum(token.logprob for token in tokens) / len(tokens), 4) if tokens else 0.0


def _compression_ratio(text: str) -> float:
    """As Whisper computes it: high where a decoder repeats itself."""
    encoded = text.encode()
    return round(len(encoded) / len(zlib.compress(encoded)), 3)


def _raw(segment: Segment, fields: TranscriptionFields) -> dict[str, str]:
    return {"raw": segment.raw} if fields.raw else {}


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcript.duration, 3)}


def summary(heard: Heard) -> dict[str, Any]:
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
        "hotwords": hotwords_document(heard.transcript),
    }
