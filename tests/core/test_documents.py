"""A transcript as JSON, rich text, raw text and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tingshuo import AudioEvent, Emotion, EventLabel, Segment, Transcript, Word
from tingshuo.documents import json_line, raw_text, rich_text, to_csv, transcript_document

ANGRY = Segment(
    start=0.12345,
    end=2.5,
    text="这都第几天了？",
    language="zh",
    emotion=Emotion.ANGRY,
    emotion_scores={"angry": 0.91239, "neutral": 0.05},
    events=(AudioEvent(EventLabel.LAUGHTER, 0.8, 1.0, 1.5), AudioEvent(EventLabel.MUSIC, 0.7)),
    timing="vad",
    raw="<|zh|><|ANGRY|><|Laughter|><|withitn|>这都第几天了？",
)
SECOND = Segment(3.0, 4.0, "well", "en", None, {"unknown": 0.6}, words=(Word("well", 3.1, 3.4),), channel="right")
CALL = Transcript("这都第几天了？well", "zh", 4.0004, (ANGRY, SECOND))


def one(**fields: object) -> Transcript:
    segment = Segment(**{"start": 0.0, "end": 1.0, "text": "好", "language": "zh", **fields})  # type: ignore[arg-type]
    return Transcript(segment.text, "zh", 1.0, (segment,))


def test_the_document_has_emotion_and_events_with_their_scores() -> None:
    assert transcript_document(CALL) == {
        "text": "这都第几天了？well",
        "language": "zh",
        "duration": 4.0,
        "segments": [
            {
                "start": 0.123,
                "end": 2.5,
                "text": "这都第几天了？",
                "language": "zh",
                "emotion": {"label": "angry", "score": 0.9124, "scores": {"angry": 0.9124, "neutral": 0.05}},
                "events": [
                    {"label": "laughter", "start": 1.0, "end": 1.5, "score": 0.8},
                    {"label": "music", "start": None, "end": None, "score": 0.7},
                ],
                "timing": "vad",
            },
            {
                "start": 3.0,
                "end": 4.0,
                "text": "well",
                "language": "en",
                "emotion": {"label": "unknown", "score": 0.6, "scores": {"unknown": 0.6}},
                "events": [],
                "timing": None,
                "words": [{"word": "well", "start": 3.1, "end": 3.4}],
                "channel": "right",
            },
        ],
    }


def test_a_recogniser_without_emotions_gives_null_not_a_guess() -> None:
    assert transcript_document(one())["segments"][0]["emotion"] is None


def test_a_json_line_is_one_line_of_readable_chinese() -> None:
    line = json_line(Transcript("第一行\n第二行", "zh", 1.0))
    assert "\n" not in line
    assert "第一行" in line
    assert json.loads(json_line(CALL)) == transcript_document(CALL)


def test_rich_text_in_chinese_and_english() -> None:
    assert rich_text(CALL, "zh") == "[中文] [愤怒] 这都第几天了？ (笑声) (背景音乐)\n[右声道] [英文] well"
    assert (
        rich_text(CALL, "en")
        == "[Chinese] [angry] 这都第几天了？ (laughter) (background music)\n[right] [English] well"
    )


def test_rich_text_with_the_signs_sensevoice_users_know() -> None:
    assert rich_text(CALL, "zh", emoji=True) == "😀🎼这都第几天了？😡\n[右声道] well"


def test_neutral_is_said_and_an_emotion_that_could_not_be_told_is_not() -> None:
    assert rich_text(one(emotion=Emotion.NEUTRAL)) == "[中文] [中性] 好"
    assert rich_text(one(emotion_scores={"unknown": 0.9})) == "[中文] 好"
    assert rich_text(one(emotion=Emotion.NEUTRAL), emoji=True) == "好"


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_every_emotion_and_event_has_a_name(locale: str) -> None:
    events = tuple(AudioEvent(label, 1.0) for label in EventLabel)
    for emotion in Emotion:
        line = rich_text(one(emotion=emotion, events=events, language="tlh"), locale)  # type: ignore[arg-type]
        assert line.count("(") == len(EventLabel)
        assert line.startswith("[tlh] [")
        assert line.isascii() is False


def test_a_line_break_in_a_text_does_not_make_two_lines_of_a_segment() -> None:
    assert rich_text(one(text="a\n\nb")) == "[中文] a b"


def test_an_event_heard_twice_is_named_once() -> None:
    twice = (AudioEvent(EventLabel.APPLAUSE, 0.9, 0.0, 0.2), AudioEvent(EventLabel.APPLAUSE, 0.8, 0.5, 0.7))
    assert rich_text(one(events=twice)) == "[中文] 好 (掌声)"


def test_an_empty_transcript_is_empty_text() -> None:
    nothing = Transcript("", None, 1.0)
    assert rich_text(nothing) == raw_text(nothing) == ""


def test_raw_text_is_what_the_engine_wrote() -> None:
    assert raw_text(CALL) == "<|zh|><|ANGRY|><|Laughter|><|withitn|>这都第几天了？\nwell"


def test_csv_has_a_row_for_each_segment_and_opens_in_excel() -> None:
    text = to_csv(CALL)
    assert text.startswith("\ufeffchannel,start,end,language,emotion,emotion_score,events,text\r\n")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows[0]["emotion"] == "angry"
    assert rows[0]["events"] == "laughter music"
    assert rows[0]["text"] == "这都第几天了？"
    assert (rows[1]["channel"], rows[1]["emotion"], rows[1]["emotion_score"]) == ("right", "unknown", "0.6")


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"])
def test_nobody_can_speak_a_formula_into_a_workbook(text: str) -> None:
    [_, row] = csv.reader(io.StringIO(to_csv(one(text=text)), newline=""))
    assert row[-1] == f"'{text}"


def test_commas_quotes_and_line_breaks_stay_in_their_cell() -> None:
    [_, row] = csv.reader(io.StringIO(to_csv(one(text='a,"b"\nc')), newline=""))
    assert row[-1] == 'a,"b"\nc'
