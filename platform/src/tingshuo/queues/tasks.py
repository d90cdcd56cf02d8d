"""What a queued job does: the request of the online route, carried out by the same code.

A task is made twice: when the request comes, which checks it, and by the worker that carries it out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from tingshuo.db import Kind
from tingshuo.documents import transcript_document
from tingshuo.engine import Engine
from tingshuo.engines import Engines
from tingshuo.errors import LimitExceeded
from tingshuo.progress import Listener, within
from tingshuo.recording import Recording
from tingshuo.settings import Settings

# The modules of the API are imported late: they import this one.

KINDS: tuple[Kind, ...] = get_args(Kind)
#: Utterances of one round-trip job.
MAX_UTTERANCES = 10_000


class Task(ABC):
    """One request, checked. `parameters` are what the history shows of it, `text` the text that is spoken."""

    kind: Kind
    engine: Engine
    parameters: Mapping[str, object]
    text: str | None = None

    @property
    def engines_used(self) -> tuple[str, ...]:
        """The names of the engines that it needs."""
        return (self.engine.name,)

    @abstractmethod
    def perform(self, recording: Recording, upload: Path | None, progress: Listener) -> None:
        """Do the work and hand it to `recording`. Blocks; raises what the engines raise."""


def task_of(kind: Kind, request: Mapping[str, Any], engines: Engines, settings: Settings) -> Task:
    """The task that a request asks for; raises what is wrong with it, as the online route does."""
    made: dict[Kind, Callable[[], Task]] = {
        "transcription": lambda: Transcription(request, engines, settings),
        "speech": lambda: Speech(request, engines),
        "roundtrip": lambda: Roundtrip(request, engines),
    }
    return made[kind]()


class Transcription(Task):
    """An upload to recognise."""

    kind = "transcription"

    def __init__(self, request: Mapping[str, Any], engines: Engines, settings: Settings) -> None:
        from tingshuo.api.job_forms import validated
        from tingshuo.api.transcription_form import TranscriptionFields
        from tingshuo.validation import check_options

        self._engines, self._settings = engines, settings
        self._fields = validated(TranscriptionFields, dict(request))
        self._fields.check()
        self.engine = engines.recognizer(self._fields.model)
        check_options(self.engine, self._fields.options())
        self.parameters = {**asdict(self._fields.options()), "channel": self._fields.channel}

    def perform(self, recording: Recording, upload: Path | None, progress: Listener) -> None:
        from tingshuo.api.transcriptions import recognise

        assert upload is not None
        with upload.open("rb") as file, within(progress):
            transcript = recognise(self._engines, self._settings, file, self._fields)
        recording.finish(transcript_document(transcript), audio_seconds=transcript.duration)


class Speech(Task):
    """A text to speak."""

    kind = "speech"

    def __init__(self, request: Mapping[str, Any], engines: Engines) -> None:
        from tingshuo.api.job_forms import validated
        from tingshuo.api.speech import SpeechBody
        from tingshuo.api.spoken import check_format

        body = validated(SpeechBody, dict(request))
        body.check()
        check_format(body.response_format)
        self._engines, self._format = engines, body.response_format
        self.engine = synthesizer = engines.synthesizer(body.model)
        self._utterance = engines.validated(synthesizer, body.utterance(engines))
        self.text = self._utterance.text
        told = {key: value for key, value in asdict(self._utterance).items() if key != "text"}
        self.parameters = {**told, "response_format": body.response_format}

    def perform(self, recording: Recording, upload: Path | None, progress: Listener) -> None:
        from tingshuo.api.spoken import render

        audio, content = render(self._engines, self._utterance, engine=self.engine.name, audio_format=self._format)
        recording.finish(
            {"duration": audio.duration, "sample_rate": audio.sample_rate},
            audio_seconds=audio.duration,
            characters=len(self._utterance.text),
            audio=content,
            audio_format=self._format,
        )


class Roundtrip(Task):
    """Sentences to speak, recognise and compare."""

    kind = "roundtrip"

    def __init__(self, request: Mapping[str, Any], engines: Engines) -> None:
        from tingshuo.api.job_forms import validated
        from tingshuo.api.roundtrips import RoundtripBody
        from tingshuo.roundtrip import planned

        self._plan = validated(RoundtripBody, dict(request)).plan()
        utterances = len(planned(engines, self._plan))
        if utterances > MAX_UTTERANCES:
            raise LimitExceeded(
                f"the plan has {utterances} utterances; at most {MAX_UTTERANCES} are done in one job", param="sentences"
            )
        self._engines = engines
        self.engine = engines.synthesizer(self._plan.synthesizer)
        self._recognizer = engines.recognizer(self._plan.recognizer)
        self.text = "\n".join(self._plan.sentences)
        told = {**asdict(self._plan), "synthesizer": self.engine.name, "recognizer": self._recognizer.name}
        self.parameters = {key: value for key, value in told.items() if key not in ("sentences", "keep_audio")}

    @property
    def engines_used(self) -> tuple[str, ...]:
        return self.engine.name, self._recognizer.name

    def perform(self, recording: Recording, upload: Path | None, progress: Listener) -> None:
        from tingshuo import cancellation
        from tingshuo.api.roundtrips import result_document
        from tingshuo.roundtrip import run

        def on_item(_: object, done: int, total: int) -> None:
            progress(done / total)
            cancellation.check()

        result = run(self._engines, self._plan, on_item)
        recording.finish(
            result_document(result),
            audio_seconds=sum(item.audio_seconds for item in result.items),
            characters=sum(len(item.sentence) for item in result.items),
        )
