"""/v1/jobs/{id}/transcript: a transcript that readers correct, and everything that is made of it afterwards."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx2
import pytest
from starlette.testclient import TestClient

from tingshuo import db, revisions
from tingshuo.db import Job, TranscriptRevision
from tingshuo.settings import load_settings
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, AudioEvent, Emotion, EventLabel, Segment, TranscribeOptions, Transcript, Word

Serve: TypeAlias = Callable[..., TestClient]
Key: TypeAlias = Callable[..., dict[str, str]]
Wav: TypeAlias = Callable[..., bytes]

WORDS = (Word("谁", 0.1, 0.2, 0.5), Word("啊", 0.2, 0.4))
#: Where every recogniser measures, and a laugh has its own time.
SEGMENTS = (
    Segment(
        *(0.1, 0.4, "谁啊", "zh", Emotion.ANGRY, {"angry": 0.7, "unknown": 0.3}),
        events=(AudioEvent(EventLabel.LAUGHTER, 0.9, 0.2, 0.3), AudioEvent(EventLabel.MUSIC, 0.5)),
        words=WORDS,
        timing="vad",
    ),
    Segment(0.6, 0.9, "qux", "en", None, {"unknown": 1.0}, timing="vad"),
    Segment(1.0, 1.5, "好的", "zh", events=(AudioEvent(EventLabel.APPLAUSE, 0.8),), timing="vad"),
)


class Panel(ToneRecognizer):
    """Hears the same segments in everything."""

    def __init__(self, *segments: Segment) -> None:
        self.segments = segments or SEGMENTS

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        return Transcript(" ".join(one.text for one in self.segments), "zh", audio.duration, self.segments)


class Room:
    """A server, an admin's key, and a two-second recording that was transcribed."""

    def __init__(self, client: TestClient, headers: dict[str, str], recording: bytes, **fields: Any) -> None:
        self.client = client
        client.headers.update(headers)
        reply = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", recording)}, data=fields)
        assert reply.status_code == 200, reply.text
        self.job = reply.headers["x-tingshuo-job"]
        self.path = f"/v1/jobs/{self.job}/transcript"

    def get(self, **query: Any) -> Any:
        """The transcript's document."""
        reply = self.client.get(self.path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def put(self, *segments: Any, **headers: str) -> httpx2.Response:
        """The reply to a correction."""
        return self.client.put(self.path, json={"segments": segments}, headers=headers)

    def result(self, format_: str, **query: Any) -> httpx2.Response:
        """The reply with the result in a format."""
        return self.client.get(f"/v1/jobs/{self.job}/result", params={"format": format_, **query})

    def highlights(self, **query: Any) -> httpx2.Response:
        """The reply with the highlights."""
        return self.client.get(f"/v1/jobs/{self.job}/highlights", params=query)


@pytest.fixture
def recording(wav: Wav) -> bytes:
    """Two seconds of sound."""
    return wav([[0.1, -0.1] * 16_000])


@pytest.fixture
def room(serve: Serve, key: Key, recording: bytes) -> Room:
    """A transcription of three segments."""
    client = serve(Panel(), ToneSynthesizer())
    return Room(client, key(client, "admin"), recording)


ALL = ({"id": 0}, {"id": 1}, {"id": 2})


def _refused(reply: httpx2.Response, status: int, code: str = "invalid_request", param: str | None = "segments") -> str:
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (status, code, param), reply.text
    assert sorted(error) == ["code", "message", "param", "type"]
    return str(error["message"])


# ---- reading and writing


def test_before_any_correction_the_transcript_is_what_was_heard(room: Room) -> None:
    reply = room.client.get(room.path)
    told = reply.json()
    assert reply.headers["etag"] == '"0"'
    segments = told.pop("segments")
    assert told == {
        **{"object": "transcript", "job": room.job, "revision": 0, "corrected": False},
        **{"corrected_at": None, "corrected_by": None, "text": "谁啊 qux 好的", "language": "zh", "duration": 2.0},
    }
    assert [(one["id"], one["start"], one["end"], one["text"], one["corrected"]) for one in segments] == [
        (0, 0.1, 0.4, "谁啊", False),
        (1, 0.6, 0.9, "qux", False),
        (2, 1.0, 1.5, "好的", False),
    ]
    stored = room.client.get(f"/v1/jobs/{room.job}").json()["result"]["segments"]
    assert [{k: v for k, v in one.items() if k not in ("id", "corrected")} for one in segments] == stored
    assert room.client.get(f"{room.path}/revisions").json() == {"object": "list", "data": [], "has_more": False}


def test_a_correction_is_told_from_then_on_and_what_was_heard_stays(room: Room) -> None:
    reply = room.put({"id": 0, "text": "是谁啊？"}, {"id": 1, "start": 0.55, "end": 0.95}, {"id": 2})
    assert (reply.status_code, reply.headers["etag"]) == (200, '"1"')
    told = reply.json()
    assert told == room.get()
    assert (told["revision"], told["corrected"], told["text"]) == (1, True, "是谁啊？ qux 好的")
    assert told["corrected_by"].startswith("key_")
    assert told["corrected_at"] is not None
    assert [(one["start"], one["end"], one["text"], one["corrected"]) for one in told["segments"]] == [
        (0.1, 0.4, "是谁啊？", True),
        (0.55, 0.95, "qux", True),
        (1.0, 1.5, "好的", False),
    ]
    assert told["segments"][0]["emotion"]["label"] == "angry"
    assert room.get(revision=0)["text"] == "谁啊 qux 好的"
    assert room.client.get(f"/v1/jobs/{room.job}").json()["result"]["text"] == "谁啊 qux 好的"


def test_revisions_are_listed_with_who_made_them_and_each_can_be_read(room: Room) -> None:
    room.put({"id": 0, "text": "一"}, {"id": 1}, {"id": 2})
    room.put({"id": 0, "text": "二"}, {"id": 2})
    rows = room.client.get(f"{room.path}/revisions").json()["data"]
    assert [(row["revision"], row["changed"]) for row in rows] == [(2, 2), (1, 1)]
    assert all(sorted(row) == ["caller", "changed", "created_at", "revision"] for row in rows)
    assert [room.get(revision=number)["segments"][0]["text"] for number in (0, 1, 2)] == ["谁啊", "一", "二"]
    message = _refused(room.client.get(room.path, params={"revision": 3}), 404, "not_found", "revision")
    assert "there is 0 (as heard) and 1 to 2" in message
    for number in (-1, 2**31, 10**30):
        _refused(room.client.get(room.path, params={"revision": number}), 404, "not_found", "revision")


def test_what_is_already_so_makes_no_revision(room: Room) -> None:
    assert room.put(*ALL).json()["revision"] == 0
    changed = ({"id": 0, "text": "一"}, {"id": 1}, {"id": 2})
    assert [room.put(*changed).json()["revision"] for _ in range(2)] == [1, 1]
    assert room.put(*reversed(changed)).json()["revision"] == 1
    # Back to what was heard is a change.
    back = room.put(*ALL).json()
    assert (back["revision"], back["corrected"], back["corrected_by"]) == (2, False, None)
    assert back["segments"][0]["words"][0]["word"] == "谁"


def test_a_segment_that_is_left_out_is_gone_and_can_come_back(room: Room) -> None:
    told = room.put({"id": 2}, {"id": 0}).json()
    assert [one["id"] for one in told["segments"]] == [0, 2]
    assert told["text"] == "谁啊好的"
    assert told["corrected"] is True
    assert [one["id"] for one in room.put(*ALL).json()["segments"]] == [0, 1, 2]


def test_segments_are_told_by_their_start(room: Room) -> None:
    told = room.put({"id": 0, "start": 1.6, "end": 1.9}, {"id": 1}, {"id": 2}).json()
    assert [one["id"] for one in told["segments"]] == [1, 2, 0]
    assert told["text"] == "qux 好的谁啊"


def test_words_go_where_their_times_are_no_longer_true(room: Room) -> None:
    def words(**change: Any) -> bool:
        return "words" in room.put({"id": 0, **change}, {"id": 1}).json()["segments"][0]

    assert words()
    assert not words(text="他啊")
    assert words(start=0.05, end=0.45)
    assert not words(start=0.15)
    assert not words(end=0.3)


def test_delete_goes_back_to_what_was_heard_and_loses_no_correction(room: Room) -> None:
    room.put({"id": 0, "text": "一"})
    told = room.client.delete(room.path)
    assert (told.status_code, told.headers["etag"]) == (200, '"2"')
    assert (told.json()["corrected"], told.json()["text"]) == (False, "谁啊 qux 好的")
    assert room.get(revision=1)["text"] == "一"
    assert room.client.delete(room.path).json()["revision"] == 2


# ---- two editors


def test_whoever_saves_over_somebody_elses_correction_is_told(room: Room) -> None:
    assert room.put({"id": 0, "text": "一"}, **{"If-Match": '"0"'}).status_code == 200
    late = room.put({"id": 0, "text": "二"}, **{"If-Match": '"0"'})
    message = _refused(late, 412, "revision_conflict", "If-Match")
    assert "is at revision 1" in message
    assert room.get()["text"] == "一"
    assert room.client.delete(room.path, headers={"If-Match": '"0"'}).status_code == 412
    assert room.put({"id": 0, "text": "二"}, **{"If-Match": '"1"'}).json()["revision"] == 2


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        *(('"0"', 200), ('W/"0"', 200), ("*", 200), ('"7", "0"', 200), ("0", 200)),
        *(('"1"', 412), ('"00"', 412), ("", 412), ('"', 412), ('"x"', 412), ("'; DROP TABLE jobs", 412)),
    ],
)
def test_if_match_is_read_as_http_says(room: Room, if_match: str, status: int) -> None:
    assert room.put({"id": 0, "text": "一"}, **{"If-Match": if_match}).status_code == status


def test_of_many_who_save_at_once_one_wins_each_revision(room: Room) -> None:
    replies: list[int] = []

    def save(number: int) -> None:
        replies.append(room.put({"id": 0, "text": f"来自 {number}"}, **{"If-Match": '"0"'}).status_code)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [200, *[412] * 5]
    assert room.get()["revision"] == 1


# ---- refusals


@pytest.mark.parametrize(
    ("segments", "told"),
    [
        ([], "at least one"),
        ([{"id": 3}], "they are numbered 0 to 2"),
        ([{"id": 0}, {"id": 0}], "named twice"),
        ([{"id": 0, "start": 0.5}], "from 0.5 to 0.4"),
        ([{"id": 2, "end": 2.6}], "no later than the recording (2.000 s)"),
        ([{"id": 2, "end": 1e300}], "no later"),
        ([{"id": 0, "text": "a\0b"}], "U+0000"),
        ([{"id": 0, "text": "a\tb"}], "U+0009"),
        ([{"id": 0, "text": "a\rb"}], "U+000D"),
        ([{"id": 0, "text": "\x1b[2Jb"}], "U+001B"),
        ([{"id": 0, "text": "a\x85b"}], "U+0085"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_a_correction_that_makes_no_sense_is_refused(room: Room, segments: Any, told: str) -> None:
    assert told in _refused(room.put(*segments), 400)
    assert room.get()["revision"] == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "segments"),
        ({"segments": None}, "segments"),
        ({"segments": {}}, "segments"),
        ({"segments": [{}]}, "segments"),
        ({"segments": [7]}, "segments"),
        ({"segments": [{"id": -1}]}, "segments"),
        ({"segments": [{"id": True}]}, "segments"),
        ({"segments": [{"id": 0.5}]}, "segments"),
        ({"segments": [{"id": 0, "start": -0.1}]}, "segments"),
        ({"segments": [{"id": 0, "start": "soon"}]}, "segments"),
        ({"segments": [{"id": 0, "text": "a" * 10_001}]}, "segments"),
        ({"segments": [{"id": 0, "text": 7}]}, "segments"),
        ({"segments": [{"id": 0, "speaker": "Ann"}]}, "speaker"),
        ({"segments": [{"id": 0}], "text": "all"}, "text"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_body_of_another_shape_is_refused(room: Room, body: Any, param: str) -> None:
    _refused(room.client.put(room.path, json=body), 400, param=param)


@pytest.mark.parametrize(
    "body",
    [
        b'{"segments": [{"id": 0, "start": NaN}]}',
        b'{"segments": [{"id": 0, "end": Infinity}]}',
        b'{"segments": [{"id": 0, "end": 1e999}]}',
        b'{"segments": [{"id": 99999999999999999999999999999999}]}',
        b'{"segments": [{"id": 0, "text": "\\ud83d"}]}',
        b'{"segments": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=lambda body: str(body)[:45],
)
def test_hostile_json_is_refused_and_changes_nothing(room: Room, body: bytes) -> None:
    reply = room.client.put(room.path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400, reply.text
    assert room.get()["revision"] == 0


def test_a_body_that_is_too_large_is_refused_before_it_is_read(room: Room) -> None:
    body = json.dumps({"segments": [{"id": 0, "text": "a"}] * 200_000})
    reply = room.client.put(room.path, content=body, headers={"Content-Type": "application/json"})
    _refused(reply, 413, "limit_exceeded", None)


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_a_job_that_has_not_succeeded_has_no_transcript_yet(room: Room, status: str) -> None:
    settings = room.client.app.state.services.settings  # type: ignore[attr-defined]
    with db.session(settings) as session:
        row = session.get(Job, room.job)
        assert row is not None
        row.status = status
    for reply in (
        room.client.get(room.path),
        room.client.get(f"{room.path}/revisions"),
        room.put(*ALL),
        room.client.delete(room.path),
        room.highlights(),
    ):
        assert f"is {status}" in _refused(reply, 409, "conflict", "id")


def test_other_jobs_have_no_transcript(room: Room) -> None:
    spoken = room.client.post("/v1/audio/speech", json={"input": "hello"}).headers["x-tingshuo-job"]
    for job, told in ((spoken, "only a transcription"), ("job_" + "0" * 30, "there is no job"), ("x", "no job")):
        for method, ending in (("GET", "transcript"), ("DELETE", "transcript"), ("GET", "highlights")):
            reply = room.client.request(method, f"/v1/jobs/{job}/{ending}")
            assert told in _refused(reply, 404, "not_found", "id")


def test_the_transcript_is_its_owners_and_an_admins(room: Room, key: Key, recording: bytes) -> None:
    owner, other, speaker = (key(room.client, *scopes) for scopes in (("transcribe", "jobs"), ("jobs",), ("speak",)))
    sent = room.client.post("/v1/audio/transcriptions", files={"file": ("a.wav", recording)}, headers=owner)
    path = f"/v1/jobs/{sent.headers['x-tingshuo-job']}/transcript"
    body = {"segments": [{"id": 0, "text": "一"}]}
    for headers, status in ((other, 404), (speaker, 403), ({"Authorization": "Bearer ts-x"}, 401), (owner, 200)):
        replies = (
            room.client.get(path, headers=headers),
            room.client.get(f"{path}/revisions", headers=headers),
            room.client.put(path, json=body, headers=headers),
            room.client.delete(path, headers=headers),
            room.client.get(path.replace("transcript", "highlights"), headers=headers),
        )
        assert {reply.status_code for reply in replies} == {status}
    assert room.client.put(path, json=body).json()["corrected"] is True  # the admin


# ---- what is made of a transcript


@pytest.fixture
def corrected(room: Room) -> Room:
    """The transcript after somebody was at work: a text set right, a segment moved, one left out."""
    told = room.put({"id": 0, "text": "是谁？"}, {"id": 2, "start": 1.1, "end": 1.6})
    assert told.status_code == 200
    return room


@pytest.mark.parametrize(
    "format_", ["json", "verbose_json", "text", "srt", "vtt", "ass", "lrc", "csv", "diarized_json"]
)
def test_every_format_is_of_the_corrected_transcript(corrected: Room, format_: str) -> None:
    reply = corrected.result(format_)
    assert (reply.status_code, reply.headers["x-tingshuo-revision"]) == (200, "1")
    assert "是谁？" in reply.text
    assert "谁啊" not in reply.text
    assert "qux" not in reply.text
    heard = corrected.result(format_, heard="true")
    assert (heard.status_code, heard.headers["x-tingshuo-revision"]) == (200, "0")
    assert "谁啊" in heard.text
    assert "是谁" not in heard.text


def test_subtitles_have_the_corrected_times(corrected: Room) -> None:
    assert corrected.result("srt").text == (
        "1\n00:00:00,100 --> 00:00:00,400\n是谁？\n\n2\n00:00:01,100 --> 00:00:01,600\n好的\n\n"
    )


def test_verbose_json_tells_what_is_left_and_no_words_of_a_changed_text(corrected: Room) -> None:
    told = corrected.result("verbose_json").json()
    assert [one["text"] for one in told["segments"]] == ["是谁？", "好的"]
    assert told["text"] == "是谁？好的"
    assert told["tingshuo"]["events"] == {"laughter": 1, "music": 1, "applause": 1}


def test_without_corrections_the_result_says_revision_0(room: Room) -> None:
    assert room.result("text").headers["x-tingshuo-revision"] == "0"
    assert room.result("text").text == "谁啊 qux 好的\n"


def test_the_list_and_the_job_say_that_a_transcript_was_corrected(corrected: Room) -> None:
    client = corrected.client
    client.post("/v1/audio/speech", json={"input": "hello"})
    assert client.get(f"/v1/jobs/{corrected.job}").json()["corrected"] is True
    listed = {job["kind"]: job.get("corrected") for job in client.get("/v1/jobs").json()["data"]}
    assert listed == {"transcription": True, "speech": None}
    client.delete(corrected.path)
    assert client.get("/v1/jobs?kind=transcription").json()["data"][0]["corrected"] is False


# ---- highlights


def test_highlights_are_laughter_and_applause_with_their_times(corrected: Room) -> None:
    assert corrected.highlights().json() == {
        "object": "list",
        "data": [
            {"event": "laughter", "start": 0.2, "end": 0.3, "score": 0.9, "text": "是谁？", "channel": None},
            {"event": "applause", "start": 1.1, "end": 1.6, "score": 0.8, "text": "好的", "channel": None},
        ],
    }
    assert corrected.highlights().headers["x-tingshuo-revision"] == "1"
    assert [one["event"] for one in corrected.highlights(events="Music, crying").json()["data"]] == ["music"]
    for events, told in (("music,screaming", "no event 'screaming'"), ("", "events names none"), (",", "names none")):
        assert told in _refused(corrected.highlights(events=events), 400, param="events")
    _refused(corrected.highlights(format="xml"), 400, param="format")


def test_highlights_are_a_table_and_cuts_for_an_editor(corrected: Room) -> None:
    table = corrected.highlights(format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == f'attachment; filename="{corrected.job}.csv"'
    assert list(csv.reader(io.StringIO(table.text.removeprefix("\ufeff")))) == [
        ["event", "start", "end", "score", "text", "channel"],
        ["laughter", "0.2", "0.3", "0.9", "是谁？", ""],
        ["applause", "1.1", "1.6", "0.8", "好的", ""],
    ]
    cuts = corrected.highlights(format="edl")
    assert cuts.headers["content-disposition"] == f'attachment; filename="{corrected.job}.edl"'
    assert cuts.text == (
        "TITLE: HIGHLIGHTS\nFCM: NON-DROP FRAME\n\n"
        "001  AX       AA/V  C        00:00:00:05 00:00:00:08 00:00:00:00 00:00:00:03\n* LAUGHTER\n"
        "002  AX       AA/V  C        00:00:01:03 00:00:01:15 00:00:00:03 00:00:00:15\n* APPLAUSE\n"
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\n=1+1", "＝1", '=HYPERLINK("http://x","y")'])
def test_a_corrected_text_is_no_formula_in_a_spreadsheet(room: Room, text: str) -> None:
    assert room.put({"id": 0, "text": text}).status_code == 200
    for reply in (room.result("csv"), room.highlights(format="csv")):
        rows = list(csv.DictReader(io.StringIO(reply.text.removeprefix("\ufeff"), newline="")))
        assert rows[0]["text"] == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("<script>alert(1)</script>", "{\\an8}", "1\n00:00:00,000 --> 00:00:09,000\nfake", "NOTE\n\nx --> y"),
        *("* FROM CLIP NAME: x\n002  AX", "\u202eabc\u2066", "👩‍👩‍👧 " * 500, "\n\n\n", "", "'; DROP TABLE jobs; --"),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_hostile_text_is_kept_as_it_is_and_breaks_no_format(room: Room, text: str) -> None:
    told = room.put({"id": 0, "text": text}, {"id": 2})
    assert told.status_code == 200, told.text
    assert room.get()["segments"][0]["text"] == text
    for format_ in ("json", "verbose_json", "text", "srt", "vtt", "ass", "lrc", "csv", "diarized_json"):
        assert room.result(format_).status_code == 200, format_
    assert "<script" not in room.result("vtt").text
    assert "<script" not in room.result("srt").text
    # One time line a cue, whatever the text says.
    assert room.result("srt").text.count("\n00:") == 1 + bool(text.strip())
    assert room.highlights(format="edl").text.count("\n00") == 2


def test_where_nothing_was_measured_highlights_have_no_times_and_make_no_cuts(
    serve: Serve, key: Key, recording: bytes
) -> None:
    laugh = Segment(0.0, 2.0, "哈哈", "zh", events=(AudioEvent(EventLabel.LAUGHTER, 0.9),))
    client = serve(Panel(laugh), ToneSynthesizer())
    room = Room(client, key(client, "admin"), recording)
    [one] = room.highlights().json()["data"]
    assert (one["start"], one["end"], one["text"]) == (None, None, "哈哈")
    assert "laughter,,,0.9,哈哈," in room.highlights(format="csv").text
    assert "ask for json or csv" in _refused(room.highlights(format="edl"), 400, param="format")


def test_the_sides_of_a_call_stay_lines_of_their_own(serve: Serve, key: Key, wav: Wav) -> None:
    client = serve(Panel(Segment(0.1, 0.5, "你好", "zh", timing="vad")), ToneSynthesizer())
    stereo = wav([[0.1, -0.1] * 16_000, [0.2, -0.2] * 16_000])
    room = Room(client, key(client, "admin"), stereo, channel="split")
    told = room.put({"id": 0, "text": "您好！"}, {"id": 1}).json()
    assert told["text"] == "您好！\n你好"
    assert [one["channel"] for one in told["segments"]] == ["left", "right"]


# ---- what is kept


def test_a_deleted_job_takes_its_corrections_along(corrected: Room) -> None:
    settings = corrected.client.app.state.services.settings  # type: ignore[attr-defined]
    assert len(revisions.of_job(settings, corrected.job)) == 1
    corrected.client.delete(f"/v1/jobs/{corrected.job}")
    with db.session(settings) as session:
        assert session.query(TranscriptRevision).count() == 0
    assert corrected.client.get(corrected.path).status_code == 404


def test_where_texts_are_not_kept_there_is_nothing_to_correct(serve: Serve, key: Key, recording: bytes) -> None:
    client = serve(Panel(), ToneSynthesizer(), keep_text=False)
    room = Room(client, key(client, "admin"), recording)
    replies = [room.client.get(room.path), room.put({"id": 0, "text": "机密"}), room.client.delete(room.path)]
    for reply in (*replies, room.highlights()):
        assert "TINGSHUO_KEEP_TEXT" in _refused(reply, 404, "not_found", "id")


def test_once_texts_are_no_longer_kept_none_is_written(corrected: Room) -> None:
    settings = corrected.client.app.state.services.settings  # type: ignore[attr-defined]
    changed = load_settings(data_dir=settings.data_dir, keep_text=False)
    object.__setattr__(corrected.client.app.state.services, "settings", changed)  # type: ignore[attr-defined]
    assert "TINGSHUO_KEEP_TEXT" in _refused(corrected.put({"id": 0, "text": "机密"}), 409, "conflict", "id")
    assert corrected.get()["segments"][0]["text"] == "是谁？"
