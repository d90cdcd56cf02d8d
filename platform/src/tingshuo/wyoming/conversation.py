"""One connection of the Wyoming protocol: events in, events out, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

import anyio.from_thread
import anyio.to_thread
import numpy as np

from tingshuo.cancellation import Cancellation
from tingshuo.documents import transcript_document
from tingshuo.engines import Engines
from tingshuo.errors import InvalidAudio, InvalidRequest, LimitExceeded, UnknownVoice
from tingshuo.hotwords import hotwords_of
from tingshuo.jobs import History
from tingshuo.types import Audio, Segment, TranscribeOptions, Transcript, Utterance
from tingshuo.validation import parse_emotion
from tingshuo.wyoming import protocol as wire
from tingshuo.wyoming.description import description
from tingshuo.wyoming.sentences import Sentences
from tingshuo.wyoming.sound import chunks_of, samples_of

E_ = TypeVar("E_")

#: Who the jobs of this server are of: the protocol knows no keys.
CALLER = "wyoming"
#: Seconds and samples of sound in one request.
MOST_SECONDS, MOST_SAMPLES = 300.0, 300 * 48_000


@dataclass
class Conversation:
    """The state of a connection. `send` gives an event to the other side; `wanted` ends when that is gone."""

    engines: Engines
    history: History
    send: Callable[[wire.Event], Coroutine[Any, Any, None]]
    wanted: Cancellation
    program: str = ""
    options: TranscribeOptions = field(default_factory=TranscribeOptions)
    rate: int = 16_000
    seconds: float = 0.0
    #: float32 samples heard so far: chunks of one sample each would take far more as a list of arrays.
    sound: bytearray | None = None
    voice: wire.SynthesizeVoice | None = None
    sentences: Sentences | None = None

    async def answer(self, event: wire.Event) -> None:
        """Do what an event asks for; raises what is wrong with it. Events of other domains are passed over."""
        answers: dict[str, Callable[[wire.Event], Awaitable[None]]] = {
            "describe": self._describe,
            "ping": self._ping,
            "select-program": self._select,
            "transcribe": self._prepare,
            "audio-start": self._start,
            "audio-chunk": self._hear,
            "audio-stop": self._transcribe,
            "synthesize": self._synthesize,
            "synthesize-start": self._begin_speech,
            "synthesize-chunk": self._go_on_speaking,
            "synthesize-stop": self._end_speech,
        }
        if event.type in answers:
            await answers[event.type](event)

    async def _describe(self, _: wire.Event) -> None:
        found = await anyio.to_thread.run_sync(description, self.engines)
        await self.send(found.event())

    async def _ping(self, event: wire.Event) -> None:
        await self.send(wire.Pong(text=_parsed(wire.Ping, event).text).event())

    async def _select(self, event: wire.Event) -> None:
        self.program = str(_parsed(wire.SelectProgram, event).name)

    # ---- recognition

    async def _prepare(self, event: wire.Event) -> None:
        asked = _parsed(wire.Transcribe, event)
        self.program = str(asked.name or self.program)
        words = [*_words(asked.transcript_names), *_words(asked.transcript_terms)]
        self.options = TranscribeOptions(
            language=str(asked.language or "auto").lower().partition("-")[0],
            hotwords=hotwords_of("", words),
        )

    async def _start(self, event: wire.Event) -> None:
        self.sound = None
        rate = _parsed(wire.AudioStart, event).rate
        if not isinstance(rate, int) or not 4_000 <= rate <= 192_000:
            raise InvalidAudio(f"the sample rate is {str(rate)[:40]} Hz; it must lie between 4000 and 192000")
        self.rate, self.sound, self.seconds = rate, bytearray(), 0.0

    async def _hear(self, event: wire.Event) -> None:
        if self.sound is None:
            return
        chunk = _parsed(wire.AudioChunk, event)
        samples = samples_of(chunk.audio or b"", chunk.width, chunk.channels)
        self.seconds += len(samples) / self.rate
        if self.seconds > MOST_SECONDS or len(self.sound) + samples.nbytes > 4 * MOST_SAMPLES:
            self.sound = None
            raise LimitExceeded(f"the audio is longer than {min(MOST_SECONDS, MOST_SAMPLES / self.rate):g} s")
        self.sound += samples.tobytes()

    async def _transcribe(self, _: wire.Event) -> None:
        sound, self.sound = self.sound, None
        if sound is None:
            return
        samples = np.frombuffer(sound, np.float32)
        heard = await self._in_thread(self._recorded, Audio(samples, self.rate))
        for event in (wire.Transcript(text=heard.text, language=heard.language), wire.TranscriptStop()):
            await self.send(event.event())

    def _recorded(self, audio: Audio) -> Transcript:
        """Recognise, sending segments as they come, and record the job. Blocks."""
        recognizer = self.engines.recognizer(self.program)
        with self.history.record("transcription", recognizer, asdict(self.options), caller=CALLER) as job:
            self._tell(wire.TranscriptStart().event())
            found = self.engines.transcribe_stream(audio, self.options, recognizer.name, cancellation=self.wanted)
            with closing(found):
                while isinstance(segment := _next(found), Segment):
                    if segment.text:
                        self._tell(wire.TranscriptChunk(text=segment.text).event())
            job.finish(transcript_document(segment), audio_seconds=segment.duration)
        return segment

    # ---- synthesis

    async def _synthesize(self, event: wire.Event) -> None:
        if self.sentences is None:  # else it repeats what came in pieces, for servers that take none
            asked = _parsed(wire.Synthesize, event)
            await self._in_thread(self._speak, str(asked.text), asked.voice)

    async def _begin_speech(self, event: wire.Event) -> None:
        self.voice, self.sentences = _parsed(wire.SynthesizeStart, event).voice, Sentences()

    async def _go_on_speaking(self, event: wire.Event) -> None:
        if self.sentences is None:
            return
        await self._speak_all(self.sentences.add(str(_parsed(wire.SynthesizeChunk, event).text)))
        most = self.history.settings.max_text_characters
        if len(self.sentences.rest) > most:
            self.sentences = None
            raise LimitExceeded(f"a sentence has more than {most} characters")

    async def _end_speech(self, _: wire.Event) -> None:
        sentences, self.sentences = self.sentences, None
        if sentences is not None:
            await self._speak_all(sentences.end())
            await self.send(wire.SynthesizeStopped().event())

    async def _speak_all(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            await self._in_thread(self._speak, sentence, self.voice)

    def _speak(self, text: str, voice: wire.SynthesizeVoice | None) -> None:
        """Say a text, sending sound as it comes, and record the job. Blocks."""
        synthesizer, utterance = self._utterance(text, voice)
        parameters = {key: value for key, value in asdict(utterance).items() if key != "text"}
        seconds = 0.0
        with self.history.record("speech", synthesizer, parameters, caller=CALLER, input_text=text) as job:
            pieces = self.engines.synthesize_stream(utterance, synthesizer.name, cancellation=self.wanted)
            for piece in pieces:
                if not seconds:
                    self._tell(wire.AudioStart(rate=piece.sample_rate, width=2, channels=1).event())
                seconds += piece.duration
                self._send_sound(piece)
            job.finish({"duration": seconds}, audio_seconds=seconds, characters=len(text))
        self._tell(wire.AudioStop().event())

    def _utterance(self, text: str, voice: wire.SynthesizeVoice | None) -> tuple[Any, Utterance]:
        wanted = voice or wire.SynthesizeVoice()
        synthesizer = self.engines.synthesizer(self.program)
        name = str(wanted.name or "")
        if name and not self.program:  # the voice tells the engine
            synthesizer = self._engine_of(name) or synthesizer
        if not name and wanted.language:
            base = str(wanted.language).lower().partition("-")[0]
            name = next((one.name for one in synthesizer.voices() if base in _bases(one.languages)), "")
            if not name:
                raise UnknownVoice(f"{synthesizer.name} has no voice for {wanted.language!r}")
        utterance = Utterance(text, name)
        if wanted.speaker:
            utterance = replace(utterance, emotion=parse_emotion(str(wanted.speaker)))
        return synthesizer, self.engines.validated(synthesizer, utterance)

    def _engine_of(self, voice: str) -> Any:  # noqa: ANN401 - a Synthesizer or None
        found = (row.engine for row in self.engines.status() if row.engine and row.engine.kind == "synthesizer")
        return next((engine for engine in found if voice in {one.name for one in cast(Any, engine).voices()}), None)

    def _send_sound(self, audio: Audio) -> None:
        for sound in chunks_of(audio):
            self._tell(wire.AudioChunk(rate=audio.sample_rate, width=2, channels=1, audio=sound).event())

    # ---- threads

    async def _in_thread(self, call: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        return await anyio.to_thread.run_sync(partial(call, *arguments))

    def _tell(self, event: wire.Event) -> None:
        """Send from a thread; stops the work where nobody listens any more."""
        self.wanted.check()
        anyio.from_thread.run(self.send, event)


def _parsed(kind: type[E_], event: wire.Event) -> E_:
    """The event as one of the package's own classes, which do not look at what they are given."""
    try:
        return cast(Any, kind).from_event(event)  # type: ignore[no-any-return]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidRequest(f"the event {event.type!r} is incomplete: {error!r}"[:200]) from error


def _next(found: Any) -> Segment | Transcript:  # noqa: ANN401 - a generator
    try:
        segment: Segment = next(found)
        return segment
    except StopIteration as end:
        whole: Transcript = end.value
        return whole


def _bases(languages: Sequence[str]) -> set[str]:
    return {language.lower().partition("-")[0] for language in languages}


def _words(given: object) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise InvalidRequest(f"names and terms are a list of strings, not {str(given)[:40]!r}")
    return given
