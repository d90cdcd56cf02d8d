"""An utterance on its way to a reply: rendered whole or sent while it is spoken, recorded in the history either way."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime

from tingshuo.api.events import event
from tingshuo.api.kept_stream import KeptStream
from tingshuo.api.services import Services
from tingshuo.api.streaming import Outlet
from tingshuo.audio import FORMATS, encode, encode_stream
from tingshuo.engine import Synthesizer
from tingshuo.engines import Engines
from tingshuo.errors import UnsupportedFormat
from tingshuo.types import Audio, Utterance


@dataclass(frozen=True, slots=True)
class Order:
    """What to speak, with which engine, as which response format, for whom; how long a link to it is good."""

    utterance: Utterance
    engine: str
    format: str
    caller: str
    link_expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A rendered utterance: the job that did it, the sound, and the sound as a file."""

    job_id: str
    audio: Audio
    content: bytes


def speak(services: Services, order: Order) -> Spoken:
    """Render an utterance and record the job. Blocks; raises what `Engines.synthesize` and the history raise."""
    synthesizer, ready = _checked(services, order)
    with services.history.record(
        "speech", synthesizer, _parameters(ready, order), caller=order.caller, input_text=ready.text
    ) as job:
        audio, content = render(services.engines, ready, engine=synthesizer.name, audio_format=order.format)
        job.finish(
            {"duration": audio.duration, "sample_rate": audio.sample_rate},
            audio_seconds=audio.duration,
            characters=len(ready.text),
            audio=content,
            audio_format=order.format,
            link_expires=order.link_expires,
        )
    return Spoken(job.id, audio, content)


def speak_along(services: Services, order: Order, out: Outlet, *, as_events: bool) -> None:
    """Speak into `out` while it is spoken, as the file itself or as OpenAI's events, and record the job. Blocks."""
    synthesizer, ready = _checked(services, order)
    parameters = _parameters(ready, order)
    with (
        KeptStream() as kept,
        services.history.record("speech", synthesizer, parameters, caller=order.caller, input_text=ready.text) as job,
    ):
        out.job = job.id
        keeps = services.settings.keep_audio != "none"
        pieces = Measured(services.engines.synthesize_stream(ready, synthesizer.name))
        with closing(pieces), closing(_parts(pieces, order.format)) as parts:
            for part in parts:
                out.put(_delta(part) if as_events else part)
                if keeps:
                    kept.write(part)
        job.finish(
            {"duration": pieces.seconds, "sample_rate": pieces.sample_rate},
            audio_seconds=pieces.seconds,
            characters=len(ready.text),
            audio=kept.finished(order.format) if keeps else None,
            audio_format=order.format,
        )
    if as_events:  # the history has it by now
        out.put(_done(job.id, len(ready.text), pieces.seconds))


class Measured:
    """Pieces of sound on their way, and how long they were."""

    def __init__(self, pieces: Iterator[Audio]) -> None:
        self._pieces = pieces
        self.seconds = 0.0
        self.sample_rate = 0

    def __iter__(self) -> Iterator[Audio]:
        return self

    def __next__(self) -> Audio:
        piece = next(self._pieces)
        self.seconds += piece.duration
        self.sample_rate = piece.sample_rate
        return piece

    def close(self) -> None:
        """End the synthesis where it still runs."""
        if isinstance(self._pieces, Generator):
            self._pieces.close()


def _parts(pieces: Iterator[Audio], audio_format: str) -> Generator[bytes, None, None]:
    yield from encode_stream(pieces, audio_format)


def _delta(part: bytes) -> bytes:
    return event({"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()})


def _done(job: str, characters: int, seconds: float) -> bytes:
    # Tokens are a thing of OpenAI's models: a character counts as one, and sound as none.
    usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
    ours = {"job": job, "characters": characters, "duration": round(seconds, 3)}
    return event({"type": "speech.audio.done", "usage": usage, "tingshuo": ours})


def render(engines: Engines, utterance: Utterance, *, engine: str, audio_format: str) -> tuple[Audio, bytes]:
    """The sound of an utterance, and the same as a file. Blocks; raises what `Engines.synthesize` raises."""
    audio = engines.synthesize(utterance, engine)
    return audio, encode(audio, audio_format)


def check_format(name: str) -> None:
    """Raise `UnsupportedFormat` unless there is a response format of that name."""
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise UnsupportedFormat(f"no response_format {name!r}; there are: {known}", param="response_format")


def _checked(services: Services, order: Order) -> tuple[Synthesizer, Utterance]:
    check_format(order.format)
    synthesizer = services.engines.synthesizer(order.engine)
    return synthesizer, services.engines.validated(synthesizer, order.utterance)


def _parameters(utterance: Utterance, order: Order) -> Mapping[str, object]:
    told = {key: value for key, value in asdict(utterance).items() if key != "text"}
    return {**told, "response_format": order.format}
