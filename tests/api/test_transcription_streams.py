"""stream=true, diarized_json, include[] and chunking_strategy, through OpenAI's own client and a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeAlias

import openai
import pytest
from live_server import PATIENCE, Listen, Live
from openai.types.audio import TranscriptionDiarized, TranscriptionStreamEvent, TranscriptionVerbose
from pydantic import TypeAdapter

from tingshuo.cancellation import check
from tingshuo.errors import EngineFailed
from tingshuo.testing import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, Emotion, Segment, Token, TranscribeOptions, Transcript, VoiceActivity

ROUTE = "/v1/audio/transcriptions"
Wav: TypeAlias = Callable[..., bytes]


class Listener(ToneRecognizer):
    """Hears the same three segments in everything, one each time it is let on, and remembers how it was asked."""

    gives_logprobs: ClassVar[bool] = True
    takes_vad: ClassVar[bool] = True
    thread_safe = True

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.options: list[TranscribeOptions] = []
        self.go_on = threading.Semaphore(0)
        self.left = threading.Event()

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        self.options.append(options)
        tokens = (Token("你", -0.1), Token("好", -0.3)) if options.logprobs else ()
        scores = {"happy": 1.0}
        segments = (
            Segment(0.1, 0.3, "你好", "zh", Emotion.HAPPY, scores, timing="model", tokens=tokens),
            Segment(0.4, 0.6, "吗", "zh", Emotion.HAPPY, scores, timing="model"),
            Segment(0.7, 0.9, "well", "en", Emotion.HAPPY, scores, timing="model"),
        )
        return Transcript("你好吗 well", "zh", audio.duration, segments)

    def transcribe_stream(self, audio: Audio, options: TranscribeOptions) -> Generator[Segment, None, Transcript]:
        self.left.clear()
        try:
            whole = self.transcribe(audio, options)
            for segment in whole.segments:
                for _ in range(20 * PATIENCE):
                    if self.go_on.acquire(timeout=0.05):
                        break
                    check()  # as engines do that work long on a segment
                if self.fails and segment.text == "well":
                    raise EngineFailed("it hears no more")
                yield segment
            return whole
        finally:
            self.left.set()


@contextmanager
def _sdk(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=live.token("admin"), max_retries=0) as client:
        yield client


@pytest.fixture
def stereo(wav: Wav) -> bytes:
    """A second of sound on two channels."""
    return wav([[0.1, -0.1] * 8_000, [0.2, -0.2] * 8_000])


def test_the_official_client_reads_each_segment_as_soon_as_it_is_known(listen: Listen, speech: bytes) -> None:
    ear = Listener()
    with _sdk(listen(ear, ToneSynthesizer())) as sdk:
        ear.go_on.release()
        stream = sdk.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", speech), stream=True)
        events = iter(stream)
        first = next(events)
        assert (first.type, getattr(first, "delta", "")) == ("transcript.text.delta", "你好")
        assert not ear.left.is_set()
        ear.go_on.release(2)
        *deltas, done = events
    assert [getattr(event, "delta", "") for event in deltas] == ["吗", " well"]
    assert done.type == "transcript.text.done"
    assert done.text == "你好吗 well"
    assert done.model_extra is not None
    assert done.model_extra["tingshuo"]["emotions"] == {"happy": 0.6}
    for event in (first, *deltas, done):  # the SDK itself does not validate
        TypeAdapter[Any](TranscriptionStreamEvent).validate_python(event.model_dump())


def test_the_history_has_a_streamed_transcript(listen: Listen, speech: bytes) -> None:
    ear = Listener()
    ear.go_on.release(3)
    with listen(ear, ToneSynthesizer(), keep_audio="all").client() as client:
        reply = client.post(ROUTE, files={"file": ("a.wav", speech)}, data={"stream": "true"})
        assert reply.headers["content-type"].startswith("text/event-stream")
        job = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()
        assert (job["status"], job["result"]["text"]) == ("succeeded", "你好吗 well")
        assert job["audio_seconds"] == pytest.approx(2.53)
        assert client.get(f"/v1/jobs/{job['id']}/audio").content == speech


def test_segments_are_told_with_what_is_ours_where_the_format_has_them(listen: Listen, speech: bytes) -> None:
    ear = Listener()
    ear.go_on.release(3)
    with _sdk(listen(ear, ToneSynthesizer())) as sdk:
        create: Any = sdk.audio.transcriptions.create
        events = list(create(model="ears", file=("a.wav", speech), response_format="verbose_json", stream=True))
    told = [event for event in events if event.type == "transcript.text.segment"]
    assert [(event.id, event.start, event.speaker, event.text) for event in told] == [
        ("seg_0000", 0.1, "", "你好"),
        ("seg_0001", 0.4, "", "吗"),
        ("seg_0002", 0.7, "", "well"),
    ]
    assert told[0].model_extra["tingshuo"]["emotion"]["label"] == "happy"
    assert events[0].segment_id == "seg_0000"


def test_channels_are_speakers_in_diarized_json(listen: Listen, stereo: bytes) -> None:
    with _sdk(listen(Listener(), ToneSynthesizer())) as sdk:
        reply = sdk.audio.transcriptions.create(
            model="gpt-4o-transcribe-diarize",
            file=("call.wav", stereo),
            response_format="diarized_json",
            chunking_strategy="auto",
        )
        assert isinstance(reply, TranscriptionDiarized)
        TranscriptionDiarized.model_validate(reply.model_dump())
        assert [(one.id, one.speaker, one.text) for one in reply.segments][:3] == [
            ("seg_0000", "A", "你好"),
            ("seg_0001", "B", "你好"),
            ("seg_0002", "A", "吗"),
        ]
        named: Any = sdk.audio.transcriptions.create(
            model="gpt-4o-transcribe-diarize",
            file=("call.wav", stereo),
            response_format="diarized_json",
            extra_body={"known_speaker_names": ["agent", "customer"]},
            stream=True,
        )
        speakers = {event.speaker for event in named if event.type == "transcript.text.segment"}
    assert speakers == {"agent", "customer"}


def test_log_probabilities_are_told_as_openai_tells_them(listen: Listen, speech: bytes) -> None:
    """Pipecat with include_prob_metrics asks so."""
    ear = Listener()
    wanted = [
        {"token": "你", "bytes": list("你".encode()), "logprob": -0.1},
        {"token": "好", "bytes": list("好".encode()), "logprob": -0.3},
    ]
    with _sdk(listen(ear, ToneSynthesizer())) as sdk:
        reply = sdk.audio.transcriptions.create(
            model="gpt-4o-transcribe",
            file=("audio.wav", speech, "audio/wav"),
            language="zh",
            response_format="json",
            include=["logprobs"],
        )
        assert reply.logprobs is not None
        assert [one.model_dump() for one in reply.logprobs] == wanted
        verbose = sdk.audio.transcriptions.create(
            model="whisper-1", file=("a.wav", speech), response_format="verbose_json"
        )
        assert isinstance(verbose, TranscriptionVerbose)
        assert verbose.segments is not None
        assert [one.avg_logprob for one in verbose.segments] == [-0.2, 0.0, 0.0]
        ear.go_on.release(3)
        *deltas, done = sdk.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", speech), include=["logprobs"], stream=True
        )
    assert [one.model_dump() for one in getattr(deltas[0], "logprobs", None) or ()] == wanted
    assert [one.model_dump() for one in getattr(done, "logprobs", None) or ()] == wanted


def test_the_values_of_voice_activity_detection_reach_the_engine(listen: Listen, speech: bytes) -> None:
    ear = Listener()
    live = listen(ear, ToneSynthesizer())
    with _sdk(live) as sdk, live.client() as client:
        sdk.audio.transcriptions.create(
            model="ears",
            file=("a.wav", speech),
            chunking_strategy={"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 300},
        )
        as_json = '{"type": "server_vad", "prefix_padding_ms": 100}'
        assert client.post(ROUTE, files={"file": speech}, data={"chunking_strategy": as_json}).status_code == 200
        assert client.post(ROUTE, files={"file": speech}, data={"chunking_strategy": "auto"}).status_code == 200
    assert [options.vad for options in ear.options] == [
        VoiceActivity(threshold=0.7, silence=0.3),
        VoiceActivity(padding=0.1),
        None,
    ]


def test_a_failure_in_the_middle_is_raised_by_the_official_client(listen: Listen, speech: bytes) -> None:
    ear = Listener(fails=True)
    ear.go_on.release(3)
    live = listen(ear, ToneSynthesizer())
    with _sdk(live) as sdk, live.client() as client:
        stream = sdk.audio.transcriptions.create(model="ears", file=("a.wav", speech), stream=True)
        with pytest.raises(openai.APIError, match="it hears no more"):
            list(stream)
        job = client.get("/v1/jobs").json()["data"][0]
    assert (job["status"], job["error_code"]) == ("failed", "engine_failed")


def test_a_client_that_goes_away_stops_the_recognition(listen: Listen, speech: bytes) -> None:
    ear = Listener()
    ear.go_on.release(1)
    with listen(ear, ToneSynthesizer()).client() as client:
        with client.stream("POST", ROUTE, files={"file": ("a.wav", speech)}, data={"stream": "1"}) as reply:
            assert next(reply.iter_raw())
        ear.go_on.release(1)
        assert ear.left.wait(PATIENCE)
        for _ in range(20 * PATIENCE):
            job = client.get(f"/v1/jobs/{reply.headers['x-tingshuo-job']}").json()
            if job["status"] != "running":
                break
            threading.Event().wait(0.05)
    assert job["error_code"] == "request_cancelled"


def test_an_error_before_the_first_event_has_its_status(live: Live, speech: bytes) -> None:
    with live.client() as client:
        reply = client.post(ROUTE, files={"file": ("a.wav", b"no sound")}, data={"stream": "true"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_audio")
        done = client.post(ROUTE, files={"file": ("a.wav", b"RIFF" + speech[4:])}, data={"stream": "true"})
        assert done.status_code == 200
