"""The report of a round trip out of the history: the figures are counted again from what was said and heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tingshuo.reports import report_csv, report_html
from tingshuo.roundtrip_result import EngineUsed, RoundtripItem, RoundtripResult
from tingshuo.scoring import cer, syllable_error_rate, wer
from tingshuo.types import UNKNOWN, Emotion

#: Format -> media type and what makes it.
REPORTS = {"csv": ("text/csv", report_csv), "html": ("text/html", report_html)}


def result_of(document: Mapping[str, Any]) -> RoundtripResult:
    """The result whose summary and items `document` has (`RoundtripResult.summary`, `reports.item_document`)."""
    language = document["language"]
    return RoundtripResult(
        language=language,
        intensity=document["intensity"],
        synthesizer=EngineUsed(**document["synthesizer"]),
        recognizer=EngineUsed(**document["recognizer"]),
        items=tuple(_item(item, language) for item in document["items"]),
    )


def _item(item: Mapping[str, Any], language: str) -> RoundtripItem:
    sentence, heard, emotion = item["sentence"], item["heard"], item["heard_emotion"]
    return RoundtripItem(
        sentence=sentence,
        voice=item["voice"],
        emotion=Emotion(item["emotion"]),
        cer=cer(sentence, heard, language),
        syllables=syllable_error_rate(sentence, heard, language),
        words=wer(sentence, heard, language),
        heard=heard,
        heard_language=item["heard_language"],
        heard_emotion=None if emotion == UNKNOWN else Emotion(emotion),
        emotion_scores={
            Emotion(label) if label != UNKNOWN else UNKNOWN: v for label, v in item["emotion_scores"].items()
        },
        audio_seconds=item["audio_seconds"],
        synthesis_seconds=item["synthesis_seconds"],
        recognition_seconds=item["recognition_seconds"],
        error=item["error"],
    )
