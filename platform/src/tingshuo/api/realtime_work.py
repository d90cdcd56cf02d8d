"""What a realtime session has done in threads: finding speech, recognising, recording turns in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tingshuo.api.realtime_config import SessionConfig
from tingshuo.api.services import Services
from tingshuo.api.transcription_replies import Heard
from tingshuo.audio import encode
from tingshuo.auth import Caller, caller_in_force
from tingshuo.cancellation import Cancellation, within
from tingshuo.documents import transcript_document
from tingshuo.engine import Recognizer
from tingshuo.preprocessing import check
from tingshuo.settings import Settings
from tingshuo.turns import Span
from tingshuo.types import Audio, Transcript, VoiceActivity
from tingshuo.validation import check_options

#: OpenAI's models have these beginnings; whichever is asked for, the default recognizer answers.
_OPENAI = ("gpt-", "whisper-")


@dataclass(frozen=True, slots=True)
class Work:
    """For one caller."""

    services: Services
    caller: Caller

    @property
    def settings(self) -> Settings:
        """Those of the server."""
        return self.services.settings

    @property
    def longest_turn(self) -> float:
        """Seconds."""
        return self.settings.realtime_turn_seconds

    def recognizer(self, config: SessionConfig) -> Recognizer:
        """The engine of a session. Raises `UnknownEngine`."""
        return self.services.engines.recognizer("" if config.model.startswith(_OPENAI) else config.model)

    def checked(self, config: SessionConfig) -> SessionConfig:
        """The config, if the engine can do what it asks for; raises `InvalidRequest` or `UnknownEngine`."""
        options = config.options()
        check_options(self.recognizer(config), options)
        check(options)
        return config

    def finds_speech(self, config: SessionConfig) -> bool:
        """Whether the engine tells where speech is."""
        return self.recognizer(config).finds_speech

    async def load(self, config: SessionConfig, wanted: Cancellation) -> None:
        """Have the engine ready before there is anything to hear."""
        with within(wanted):
            await self.services.work(self.services.engines.load, self.recognizer(config).name)

    async def find_speech(
        self, audio: Audio, activity: VoiceActivity, config: SessionConfig, wanted: Cancellation
    ) -> Sequence[Span]:
        """Where somebody speaks, in seconds of `audio`."""
        engine = self.recognizer(config).name
        return await self.services.work(self.services.engines.find_speech, audio, activity, engine, cancellation=wanted)

    async def transcribe(self, audio: Audio, config: SessionConfig, wanted: Cancellation) -> Transcript:
        """What is heard so far; leaves no trace."""
        engine = self.recognizer(config).name
        return await self.services.work(
            self.services.engines.transcribe, audio, config.options(), engine, cancellation=wanted
        )

    async def record(self, audio: Audio, config: SessionConfig, wanted: Cancellation) -> Heard:
        """What is heard in a turn, recorded as a job of the caller.

        Raises `AuthenticationFailed` or `PermissionDenied` once the key is good no more: sessions last.
        """
        return await self.services.work(self._record, audio, config, wanted)

    def _record(self, audio: Audio, config: SessionConfig, wanted: Cancellation) -> Heard:
        services = self.services
        caller_in_force(services.settings, self.caller.id).require("transcribe")
        recognizer, options = self.recognizer(config), config.options()
        keeps = services.settings.keep_audio == "all"
        parameters = {**asdict(options), "realtime": True}
        with services.history.record("transcription", recognizer, parameters, caller=self.caller.id) as job:
            transcript = services.engines.transcribe(audio, options, recognizer.name, cancellation=wanted)
            job.finish(
                transcript_document(transcript),
                audio_seconds=transcript.duration,
                audio=encode(audio, "wav") if keeps else None,
                audio_format="wav" if keeps else None,
            )
        return Heard(job.id, recognizer, transcript)
