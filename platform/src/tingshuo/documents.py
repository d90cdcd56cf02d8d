"""A transcript as people and programs read it: document (JSON), rich text, raw text, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from tingshuo.types import UNKNOWN, AudioEvent, Replacement, Segment, Transcript, Word

Locale: TypeAlias = Literal["zh", "en"]

_LANGUAGES = {
    "zh": {"zh": "中文", "en": "英文", "yue": "粤语", "ja": "日语", "ko": "韩语"},
    "en": {"zh": "Chinese", "en": "English", "yue": "Cantonese", "ja": "Japanese", "ko": "Korean"},
}
_EMOTIONS_ZH = {
    "neutral": "中性",
    "happy": "高兴",
    "sad": "悲伤",
    "angry": "愤怒",
    "fearful": "恐惧",
    "disgusted": "厌恶",
    "surprised": "惊讶",
}
_EVENTS_ZH = {
    "music": "背景音乐",
    "singing": "歌声",
    "applause": "掌声",
    "laughter": "笑声",
    "crying": "哭声",
    "coughing": "咳嗽",
    "sneezing": "喷嚏",
    "breath": "呼吸声",
    "noise": "噪声",
    "other": "其他声音",
}
_EVENTS_EN = {"music": "background music", "other": "other sound"}
_SIDES_ZH = {"left": "左声道", "right": "右声道"}

# The signs of funasr/utils/postprocess_utils.py, known to users of SenseVoice; what has none there has none here.
_EMOTION_EMOJI = {"happy": "😊", "sad": "😔", "angry": "😡", "fearful": "😰", "disgusted": "🤢", "surprised": "😮"}
_EVENT_EMOJI = {"music": "🎼", "applause": "👏", "laughter": "😀", "crying": "😭", "sneezing": "🤧", "coughing": "🤧"}

_CSV_COLUMNS = ("channel", "start", "end", "language", "emotion", "emotion_score", "events", "text")


def transcript_document(transcript: Transcript) -> dict[str, Any]:
    """The transcript as JSON-ready values: times in seconds (to the millisecond), scores in [0, 1]."""
    return {
        "text": transcript.text,
        "language": transcript.language,
        "duration": round(transcript.duration, 3),
        "segments": [segment_document(segment) for segment in transcript.segments],
    }


def segment_document(segment: Segment) -> dict[str, Any]:
    """One segment; `words`, `channel` and `hotwords` are there only when known."""
    document: dict[str, Any] = {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "language": segment.language,
        "emotion": emotion_document(segment),
        "events": [_event(event) for event in segment.events],
        "timing": segment.timing,
    }
    if segment.words:
        document["words"] = [_word(word) for word in segment.words]
    if segment.channel:
        document["channel"] = segment.channel
    if segment.replacements:
        document["hotwords"] = [_replacement(one) for one in segment.replacements]
    return document


def hotwords_document(transcript: Transcript) -> list[dict[str, str]]:
    """What hotwords took the place of, in order."""
    return [_replacement(one) for segment in transcript.segments for one in segment.replacements]


def _replacement(one: Replacement) -> dict[str, str]:
    return {"heard": one.heard, "hotword": one.hotword}


def emotion_document(segment: Segment) -> dict[str, Any] | None:
    """The emotion with its scores: label "unknown" where it was listened for in vain, None where it never was."""
    if segment.emotion is None and not segment.emotion_scores:
        return None
    return {
        "label": segment.emotion or UNKNOWN,
        "score": _rounded(segment.emotion_score),
        "scores": {str(label): round(score, 4) for label, score in segment.emotion_scores.items()},
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _event(event: AudioEvent) -> dict[str, Any]:
    start, end = (None if time is None else round(time, 3) for time in (event.start, event.end))
    return {"label": event.label, "start": start, "end": end, "score": round(event.score, 4)}


def _word(word: Word) -> dict[str, Any]:
    document = {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
    return document if word.score is None else {**document, "score": round(word.score, 4)}


def json_line(transcript: Transcript) -> str:
    """The document on one line, without the line's end."""
    return json.dumps(transcript_document(transcript), ensure_ascii=False, separators=(",", ":"))


def rich_text(transcript: Transcript, locale: Locale = "zh", emoji: bool = False) -> str:
    """One line a segment: `[中文] [愤怒] 这都第几天了？ (笑声) (背景音乐)`, or `[Chinese] [angry] … (laughter)`.

    Neutral is a finding and shown; an emotion that could not be told is left out. With `emoji` a line is as
    SenseVoice's users know it: `🎼😀这都第几天了？😡`, where neutral has no sign.
    """
    line = _emoji_line if emoji else _tagged_line
    return "\n".join(line(segment, locale) for segment in transcript.segments)


def _tagged_line(segment: Segment, locale: Locale) -> str:
    zh = locale == "zh"
    tags = [_SIDES_ZH[segment.channel] if zh else segment.channel] if segment.channel else []
    if segment.language:
        tags.append(_LANGUAGES[locale].get(segment.language, segment.language))
    if segment.emotion:
        tags.append(_EMOTIONS_ZH[segment.emotion] if zh else segment.emotion)
    names = _EVENTS_ZH if zh else _EVENTS_EN
    events = [f"({names.get(label, label)})" for label in _labels(segment)]
    return " ".join([*(f"[{tag}]" for tag in tags), *_one_line(segment.text), *events])


def _emoji_line(segment: Segment, locale: Locale) -> str:
    side = f"[{_SIDES_ZH[segment.channel] if locale == 'zh' else segment.channel}] " if segment.channel else ""
    events = "".join(_EVENT_EMOJI.get(label, "") for label in _labels(segment))
    return side + events + " ".join(_one_line(segment.text)) + _EMOTION_EMOJI.get(segment.emotion or "", "")


def _labels(segment: Segment) -> Iterable[str]:
    """The labels of the segment's events, each once, in order."""
    return dict.fromkeys(str(event.label) for event in segment.events)


def _one_line(text: str) -> list[str]:
    return text.split()


def raw_text(transcript: Transcript) -> str:
    """What the engine itself wrote, one line a segment: SenseVoice's `<|zh|><|ANGRY|><|Speech|><|withitn|>…`."""
    return "\n".join(segment.raw or segment.text for segment in transcript.segments)


def to_csv(transcript: Transcript) -> str:
    """One row a segment, made for Excel: it begins with a byte order mark, without which Chinese is garbled there.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front: whoever speaks into the
    telephone must not be able to write formulas into an auditor's workbook. Programs read the JSON instead.
    """
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.writer(table)
    writer.writerow(_CSV_COLUMNS)
    for segment in transcript.segments:
        writer.writerow([csv_cell(value) for value in _row(segment)])
    return table.getvalue()


def _row(segment: Segment) -> tuple[object, ...]:
    return (
        segment.channel or "",
        round(segment.start, 3),
        round(segment.end, 3),
        segment.language or "",
        segment.emotion or (UNKNOWN if segment.emotion_scores else ""),
        "" if segment.emotion_score is None else round(segment.emotion_score, 4),
        " ".join(_labels(segment)),
        segment.text,
    )


def csv_cell(value: object) -> object:
    """The value, with an apostrophe before text that a spreadsheet would compute (OWASP: CSV injection)."""
    risky = isinstance(value, str) and value.lstrip().startswith(
        ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )
    return f"'{value}" if risky else value
