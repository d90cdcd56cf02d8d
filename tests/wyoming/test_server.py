"""The Wyoming server, asked by the client of the package `wyoming` itself over a socket."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from tingshuo import db
from tingshuo.audio import resample
from tingshuo.cancellation import current
from tingshuo.engine import Engine
from tingshuo.errors import ConfigurationError
from tingshuo.jobs import History
from tingshuo.settings import Settings, load_settings
from tingshuo.testing import engines_of
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import Audio, Emotion, TranscribeOptions, Transcript, Utterance
from tingshuo.wyoming import protocol as wire
from tingshuo.wyoming.sentences import Sentences
from tingshuo.wyoming.server import WyomingServer, address_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from wyoming.client import AsyncTcpClient

Talk: TypeAlias = Callable[[AsyncTcpClient], Awaitable[Any]]


@pytest.fixture
def ready(settings: Settings) -> Settings:
    db.upgrade(settings)
    return settings


def talk(settings: Settings, *parts: Talk, engines: tuple[Engine, ...] = ()) -> list[Any]:
    """What each part gets out of a connection of its own to one server."""

    async def run() -> list[Any]:
        history, found = History(settings), engines_of(*engines, settings=settings)
        server = WyomingServer(settings, found, history)
        port = await server.start("127.0.0.1", 0)
        try:
            answers = []
            for part in parts:
                async with AsyncTcpClient("127.0.0.1", port) as client:
                    answers.append(await asyncio.wait_for(part(client), 30))
            return answers
        finally:
            await server.close()
            found.close()
            history.close()

    return asyncio.run(run())


async def until(client: AsyncTcpClient, *kinds: str) -> list[wire.Event]:
    """The events up to the first of these kinds; an error ends them too."""
    found: list[wire.Event] = []
    while not found or found[-1].type not in (*kinds, "error"):
        event = await client.read_event()
        assert event is not None
        found.append(event)
    return found


async def say(client: AsyncTcpClient, audio: Audio, **options: Any) -> list[wire.Event]:
    """Have a clip recognised as Home Assistant does: 16 bit, mono, in chunks."""
    rate = audio.sample_rate
    await client.write_event(wire.Transcribe(**options).event())
    await client.write_event(wire.AudioStart(rate=rate, width=2, channels=1).event())
    data = (audio.samples * 32767).astype("<i2").tobytes()
    for start in range(0, len(data), 2048):
        sound = data[start : start + 2048]
        await client.write_event(wire.AudioChunk(rate=rate, width=2, channels=1, audio=sound).event())
    await client.write_event(wire.AudioStop().event())
    return await until(client, "transcript-stop")


def spoken(text: str = "今天真高兴", rate: int = 16_000) -> Audio:
    return resample(ToneSynthesizer().synthesize(Utterance(text, "high", Emotion.HAPPY)), rate)


def heard(events: list[wire.Event]) -> Audio:
    """The sound in the answer to one text."""
    start = wire.AudioStart.from_event(next(event for event in events if event.type == "audio-start"))
    data = b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")
    return Audio(np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768), start.rate)


def understood(audio: Audio) -> tuple[str, str | None]:
    transcript = ToneRecognizer().transcribe(audio, TranscribeOptions())
    return transcript.text, transcript.segments[0].emotion if transcript.segments else None


def test_it_describes_its_engines_with_voices_and_languages(ready: Settings) -> None:
    async def describe(client: AsyncTcpClient) -> wire.Info:
        await client.write_event(wire.Describe().event())
        return wire.Info.from_event((await until(client, "info"))[-1])

    [info] = talk(ready, describe)
    [asr], [tts] = info.asr, info.tts
    assert (asr.name, asr.models[0].languages, asr.installed) == ("ears", ["zh", "en"], True)
    assert [(voice.name, voice.languages) for voice in tts.voices] == [("high", ["zh", "en"]), ("low", ["zh", "en"])]
    assert [speaker.name for speaker in tts.voices[0].speakers] == list(Emotion)
    assert tts.voices[1].speakers is None
    assert tts.supports_synthesize_streaming
    assert asr.supports_transcript_streaming


def test_what_is_said_is_recognised_and_recorded(ready: Settings) -> None:
    [events] = talk(ready, lambda client: say(client, spoken(), language="zh-CN"))
    assert [event.type for event in events] == [
        "transcript-start",
        "transcript-chunk",
        "transcript",
        "transcript-stop",
    ]
    transcript = wire.Transcript.from_event(events[2])
    assert (transcript.text, transcript.language) == ("今天真高兴", "zh")
    [job] = History(ready).list()
    assert (job.kind, job.status, job.caller, job.engine) == ("transcription", "succeeded", "wyoming", "ears")


@pytest.mark.parametrize("rate", [0, 1_000, 16_000.5])
def test_a_sample_rate_that_is_none_ends_the_sound_and_not_the_connection(ready: Settings, rate: float) -> None:
    async def mistaken(client: AsyncTcpClient) -> list[wire.Event]:
        await client.write_event(wire.AudioStart(rate=16_000, width=2, channels=1).event())
        await client.write_event(wire.AudioStart(rate=rate, width=2, channels=1).event())  # type: ignore[arg-type]
        await client.write_event(wire.AudioChunk(rate=16_000, width=2, channels=1, audio=bytes(640)).event())
        await until(client, "error")
        return await say(client, spoken())

    [events] = talk(ready, mistaken)
    assert [event.type for event in events][-1] == "transcript-stop"


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
def test_any_sample_rate_is_taken(ready: Settings, rate: int) -> None:
    [events] = talk(ready, lambda client: say(client, spoken(rate=rate)))
    assert wire.Transcript.from_event(events[-2]).text == "今天真高兴"


def test_names_of_the_house_are_hotwords(ready: Settings) -> None:
    [events] = talk(ready, lambda client: say(client, spoken("打开章威的灯"), transcript_names=["张薇"]))
    assert wire.Transcript.from_event(events[-2]).text == "打开张薇的灯"


def test_silence_is_an_empty_text(ready: Settings) -> None:
    [events] = talk(ready, lambda client: say(client, Audio(np.zeros(16_000, np.float32), 16_000)))
    assert wire.Transcript.from_event(events[-2]).text == ""


def test_a_text_is_spoken_with_voice_and_emotion(ready: Settings) -> None:
    async def speak(client: AsyncTcpClient) -> list[wire.Event]:
        voice = wire.SynthesizeVoice(name="high", speaker="sad")
        await client.write_event(wire.Synthesize(text="你好", voice=voice).event())
        return await until(client, "audio-stop")

    [events] = talk(ready, speak)
    assert understood(heard(events)) == ("你好", "sad")
    [job] = History(ready).list()
    assert (job.kind, job.status, job.caller, job.characters) == ("speech", "succeeded", "wyoming", 2)


def test_a_text_in_pieces_is_spoken_sentence_by_sentence(ready: Settings) -> None:
    async def speak(client: AsyncTcpClient) -> list[wire.Event]:
        await client.write_event(wire.SynthesizeStart().event())
        for piece in ("你", "好。再", "见。好"):
            await client.write_event(wire.SynthesizeChunk(text=piece).event())
        await client.write_event(wire.Synthesize(text="你好。再见。好").event())  # for servers that take no pieces
        await client.write_event(wire.SynthesizeStop().event())
        return await until(client, "synthesize-stopped")

    [events] = talk(ready, speak)
    stops = [at for at, event in enumerate(events) if event.type == "audio-stop"]
    begins = [0, *(at + 1 for at in stops)]
    sentences = [understood(heard(events[begin:end]))[0] for begin, end in zip(begins, stops, strict=False)]
    assert sentences == ["你好。", "再见。", "好"]


def test_the_voice_may_be_chosen_by_language(ready: Settings) -> None:
    async def speak(client: AsyncTcpClient, language: str) -> list[wire.Event]:
        voice = wire.SynthesizeVoice(language=language)
        await client.write_event(wire.Synthesize(text="hello", voice=voice).event())
        return await until(client, "audio-stop")

    found, missing = talk(ready, lambda client: speak(client, "en-GB"), lambda client: speak(client, "tlh"))
    assert understood(heard(found))[0] == "hello"
    assert wire.Error.from_event(missing[-1]).code == "voice_not_found"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (wire.Synthesize(text="a", voice=wire.SynthesizeVoice(name="ghost")).event(), "voice_not_found"),
        (
            wire.Synthesize(text="a", voice=wire.SynthesizeVoice(name="low", speaker="sad")).event(),
            "unsupported_emotion",
        ),
        (wire.Synthesize(text=" ").event(), "invalid_request"),
        (wire.Event("synthesize", {}), "invalid_request"),
        (wire.Event("synthesize", {"text": "a", "voice": 5}), "invalid_request"),
        (wire.Event("transcribe", {"transcript_names": 5}), "invalid_request"),
        (wire.Event("transcribe", {"transcript_terms": [5]}), "invalid_request"),
        (wire.Event("audio-start", {"rate": "x", "width": 2, "channels": 1}), "invalid_audio"),
        (wire.Event("audio-start", {"rate": 10**9, "width": 2, "channels": 1}), "invalid_audio"),
    ],
)
def test_what_cannot_be_is_told_and_the_connection_goes_on(ready: Settings, event: wire.Event, code: str) -> None:
    async def ask(client: AsyncTcpClient) -> tuple[wire.Event, list[wire.Event]]:
        await client.write_event(event)
        [wrong] = await until(client)
        return wrong, await say(client, spoken())

    [(wrong, events)] = talk(ready, ask)
    assert wire.Error.from_event(wrong).code == code
    assert events[-1].type == "transcript-stop"


@pytest.mark.parametrize(
    ("width", "channels", "payload", "code"),
    [([2], 1, b"\0\0", "invalid_audio"), (2, 1.0, b"\0\0", "invalid_audio"), (3, 1, b"\0\0\0", "invalid_audio")],
)
def test_a_chunk_of_no_known_shape_is_told_and_the_connection_goes_on(
    ready: Settings, width: object, channels: object, payload: bytes, code: str
) -> None:
    async def ask(client: AsyncTcpClient) -> tuple[wire.Event, list[wire.Event]]:
        await client.write_event(wire.AudioStart(rate=16_000, width=2, channels=1).event())
        await client.write_event(
            wire.Event("audio-chunk", {"rate": 16_000, "width": width, "channels": channels}, payload)
        )
        [wrong] = await until(client)
        return wrong, await say(client, spoken())

    [(wrong, events)] = talk(ready, ask)
    assert wire.Error.from_event(wrong).code == code
    assert events[-1].type == "transcript-stop"


def test_a_sentence_without_end_is_refused(ready: Settings) -> None:
    async def ask(client: AsyncTcpClient) -> tuple[wire.Event, list[wire.Event]]:
        await client.write_event(wire.SynthesizeStart().event())
        for _ in range(2):
            await client.write_event(wire.SynthesizeChunk(text="a" * ready.max_text_characters).event())
        [wrong] = await until(client)
        return wrong, await say(client, spoken())

    [(wrong, events)] = talk(ready, ask)
    assert wire.Error.from_event(wrong).code == "limit_exceeded"
    assert events[-1].type == "transcript-stop"


def test_a_language_the_engine_does_not_know_is_told(ready: Settings) -> None:
    [events] = talk(ready, lambda client: say(client, spoken(), language="tlh"))
    assert wire.Error.from_event(events[-1]).code == "unsupported_language"


def test_a_ping_is_answered_and_other_events_are_passed_over(ready: Settings) -> None:
    async def ping(client: AsyncTcpClient) -> wire.Event:
        await client.write_event(wire.Event("run-pipeline", {"start_stage": "asr"}))
        await client.write_event(wire.Event("audio-chunk", {"rate": 1, "width": 2, "channels": 1}, b"\0\0"))
        await client.write_event(wire.Event("audio-stop"))
        await client.write_event(wire.Ping(text="hi").event())
        return (await until(client, "pong"))[-1]

    [pong] = talk(ready, ping)
    assert pong.data["text"] == "hi"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b"{}\n",
        b'{"type": "describe", "data_length": 99999999}\n',
        b'{"type": "audio-chunk", "payload_length": 9999999999}\n',
        b'{"type": "describe", "data_length": -5}\n',
        b"x" * 200_000,
        b"\0" * 70_000 + b"\n",
        b"[" * 50_000 + b"\n",
        b'{"type": "ping", "data": {"text": "\\ud800"}}\n',
        b'{"type": "transcribe", "data": [1]}\n',
    ],
)
def test_what_is_no_event_ends_its_connection_and_no_other(ready: Settings, sent: bytes) -> None:
    async def send(client: AsyncTcpClient) -> wire.Event | None:
        writer = client._writer
        assert writer is not None
        writer.write(sent)
        return await client.read_event()

    wrong, events = talk(ready, send, lambda client: say(client, spoken()))
    assert wrong.type == "error"
    assert events[-1].type == "transcript-stop"


class Slow(ToneRecognizer):
    """Works until it is told that nobody waits."""

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        wanted = current()
        assert wanted is not None
        while not wanted.over:
            time.sleep(0.01)
        wanted.check()
        raise AssertionError


def test_a_client_that_goes_away_stops_the_work(ready: Settings) -> None:
    async def leave(client: AsyncTcpClient) -> None:
        rate = 16_000
        await client.write_event(wire.AudioStart(rate=rate, width=2, channels=1).event())
        await client.write_event(wire.AudioChunk(rate=rate, width=2, channels=1, audio=bytes(32_000)).event())
        await client.write_event(wire.AudioStop().event())
        await until(client, "transcript-start")

    async def wait(client: AsyncTcpClient) -> None:
        for _ in range(500):
            if all(job.status != "running" for job in History(ready).list()):
                return
            await asyncio.sleep(0.02)

    talk(ready, leave, wait, engines=(Slow(), ToneSynthesizer()))
    [job] = History(ready).list()
    assert job.status in ("failed", "cancelled")


def test_addresses_off_the_allow_list_are_turned_away(ready: Settings) -> None:
    async def read(client: AsyncTcpClient) -> wire.Event | None:
        return await client.read_event()

    narrow = load_settings(data_dir=ready.data_dir, allowed_ips="10.0.0.0/8")
    assert talk(narrow, read) == [None]
    wide = load_settings(data_dir=ready.data_dir, allowed_ips="127.0.0.0/8")
    [events] = talk(wide, lambda client: say(client, spoken()))
    assert events[-1].type == "transcript-stop"


def test_without_an_allow_list_it_listens_on_this_machine_alone(ready: Settings) -> None:
    assert address_of("tcp://127.0.0.1:10300", ready) == ("127.0.0.1", 10300)
    assert address_of("tcp://[::1]:1", ready) == ("::1", 1)
    with pytest.raises(ConfigurationError, match="TINGSHUO_ALLOWED_IPS"):
        address_of("tcp://0.0.0.0:10300", ready)
    allowed = load_settings(data_dir=ready.data_dir, allowed_ips="192.168.1.0/24")
    assert address_of("tcp://0.0.0.0:10300", allowed) == ("0.0.0.0", 10300)
    for uri in ("http://127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "127.0.0.1:10300", "tcp://:5"):
        with pytest.raises(ConfigurationError):
            address_of(uri, ready)


def test_sentences_are_complete_at_their_mark() -> None:
    made = Sentences()
    assert made.add("价格是 3.5 元。Then go! ") == ["价格是 3.5 元。", "Then go!"]
    assert made.add("Well") == []
    assert made.add(" done. 好") == ["Well done."]
    assert made.end() == ["好"]
    assert made.end() == []
