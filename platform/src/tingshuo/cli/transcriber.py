"""The work of `tingshuo transcribe`: one recording after the other, into a folder or to stdout."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from tingshuo import db, weights
from tingshuo.audio import Channel, Limits, read_audio
from tingshuo.channels import transcribe_channels
from tingshuo.cli.console import Report, emit, note, printable
from tingshuo.cli.ledger import Failure, Ledger, Origin
from tingshuo.cli.recordings import STDIN, Recording
from tingshuo.cli.style import Format, Style
from tingshuo.documents import transcript_document
from tingshuo.engines import Engines
from tingshuo.errors import ConfigurationError, EngineUnavailable, StorageFailed, TingshuoError
from tingshuo.jobs import History
from tingshuo.settings import Settings
from tingshuo.types import TranscribeOptions, Transcript
from tingshuo.validation import check_languages


class Transcriber:
    """An engine with its options, at work on local files. Every recording leaves a row in the job history."""

    def __init__(self, settings: Settings, engine: str, options: TranscribeOptions, channel: Channel) -> None:
        self.engines = Engines(settings)
        self.engine = self.engines.recognizer(engine)
        check_languages(self.engine, options)
        self.options = options
        self.channel = channel
        self.limits = Limits.of(settings)
        self.history = History(settings)
        db.upgrade(settings)
        self.history.recover()  # a run that was killed has left rows that say they are running

    def close(self) -> None:
        """Free the engines."""
        self.engines.close()
        self.history.close()

    def transcript(self, recording: Recording) -> Transcript:
        """What is heard in a recording; raises the `TingshuoError` that the job row tells as well."""
        source = cast(BinaryIO, sys.stdin.buffer) if recording.path == STDIN else recording.path
        parameters = {**asdict(self.options), "channel": self.channel}
        name = recording.path.name
        with self.history.record("transcription", self.engine, parameters, caller="cli", input_name=name) as job:
            channels = read_audio(source, self.limits, self.channel)
            transcript = transcribe_channels(self.engines, channels, self.options, self.engine.name)
            job.finish(
                transcript_document(transcript),
                audio_seconds=transcript.duration,
                audio=None if recording.path == STDIN else recording.path,
                audio_format=recording.path.suffix.removeprefix(".").lower() or None,
            )
        return transcript

    def made_with(self, style: Style) -> str:
        """A digest of all that a result depends on beside its recording."""
        model = self.engine.model()
        parts = {
            "engine": [self.engine.name, self.engine.version, weights.checksum(model) or model.name],
            "options": asdict(self.options),
            "channel": self.channel,
            "style": asdict(style),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    # ---- to stdout

    def to_stdout(self, recordings: Sequence[Recording], style: Style, progress: Report, *, many: bool) -> int:
        """Print every transcript as soon as it is there; returns how many recordings failed."""
        if many:
            style.check_many()
        failed, printed = 0, 0
        for number, recording in enumerate(recordings):
            progress(number, len(recordings))
            content = self._content(recording, style)
            if isinstance(content, Failure):
                failed += 1
                continue
            emit(_joined(content, recording, style, printed) if many else content.removesuffix("\n"))
            printed += 1
        if many and style.format is Format.JSON:
            emit("]" if printed else "[]")
        progress(len(recordings), len(recordings))
        return failed

    def _content(self, recording: Recording, style: Style) -> str | Failure:
        try:
            return style.render(self.transcript(recording), recording.name)
        except (EngineUnavailable, ConfigurationError, StorageFailed):
            raise  # so it would be for every other recording
        except TingshuoError as error:
            note(f"error: {recording.name}: {error.message}")
            return Failure(error.code, error.message)

    # ---- into a folder

    def into_folder(
        self,
        recordings: Sequence[Recording],
        out: Path,
        style: Style,
        progress: Report,
        *,
        force: bool,
        retry_failed: bool,
    ) -> int:
        """Write every result that is not there yet; returns how many recordings have none."""
        results = {f"{recording.name}.{style.format}": recording for recording in recordings}
        made_with = self.made_with(style)
        with Ledger(out) as ledger:
            origins = {result: Origin.of(recording.path, made_with) for result, recording in results.items()}
            skipped = {
                result
                for result, origin in origins.items()
                if not force and (ledger.done(result, origin) or (not retry_failed and ledger.failed(result, origin)))
            }
            for number, (result, recording) in enumerate(item for item in results.items() if item[0] not in skipped):
                progress(len(skipped) + number, len(results))
                ledger.write(result, recording.name, origins[result], self._content(recording, style))
            progress(len(results), len(results))
            failed = ledger.write_errors(results)
        _summary(len(results), len(skipped), failed)
        return failed


def _joined(content: str, recording: Recording, style: Style, printed: int) -> str:
    """One of several transcripts: an element of the JSON array, or text after its file's name."""
    match style.format:
        case Format.JSON:
            return f"{',' if printed else '['}\n{content}".removesuffix("\n")
        case Format.TXT:
            return f"{printable(recording.name)}\t{' '.join(content.split())}"
        case _:
            return content.removesuffix("\n")


def _summary(count: int, skipped: int, failed: int) -> None:
    text = f"{count - failed} of {count} recordings transcribed"
    if skipped:
        text += f", {skipped} of them left from an earlier run" if not failed else f", {skipped} done or failed earlier"
    if failed:
        text += f", {failed} failed: see errors.jsonl (--retry-failed tries them again)"
    note(text)
