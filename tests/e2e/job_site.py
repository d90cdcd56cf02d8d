"""A server with its workers in one process, to try queued jobs on."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tingshuo import cancellation, db
from tingshuo.db import Job, Kind
from tingshuo.engines import Engines
from tingshuo.errors import EngineFailed
from tingshuo.jobs import History
from tingshuo.leases import Leases
from tingshuo.queues.plane import QUEUES, JobPlane
from tingshuo.settings import Settings
from tingshuo.submission import Submission, Terms, Upload, Wish
from tingshuo.testing import ToneRecognizer, ToneSynthesizer, engines_of
from tingshuo.types import Audio, Utterance


class Fickle(ToneSynthesizer):
    """Fails on "broken" always, on "shaky" the first time; works at "slow" until it is told to go on or to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.spoken: list[str] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def synthesize(self, utterance: Utterance) -> Audio:
        self.spoken.append(utterance.text)
        if utterance.text == "broken" or (utterance.text == "shaky" and self.spoken.count("shaky") == 1):
            raise EngineFailed("out of breath")
        if utterance.text.startswith("slow"):
            self.begun.set()
            while not self.go_on.wait(0.01):
                cancellation.check()
        return super().synthesize(utterance)


class Site:
    """A server and its workers in this process: their settings, history, engines, and what was asked of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = Fickle()
        self.engines: Engines = engines_of(self.engine, ToneRecognizer(), settings=settings)
        self.history = History(settings)
        self.planes: list[JobPlane] = []
        db.upgrade(settings)

    def work(self, queues: Sequence[str] = QUEUES, threads: int = 1) -> JobPlane:
        """Start one more worker."""
        plane = JobPlane(self.settings, self.engines, Leases(self.settings))
        self.planes.append(plane)
        plane.start(queues, threads)
        return plane

    def say(self, text: str = "hello", **terms: object) -> str:
        """Queue a speech; its id."""
        wish = Wish({"input": text, "response_format": "wav"})
        return self._submitted("speech", wish, **terms)

    def hear(self, content: bytes, name: str = "a.wav", **terms: object) -> str:
        """Queue a transcription; its id."""
        return self._submitted("transcription", Wish({}, Upload(io.BytesIO(content), name)), **terms)

    def _submitted(self, kind: Kind, wish: Wish, **terms: object) -> str:
        job, _ = Submission(self.settings, self.engines, "key_a").job(kind, wish, Terms(**terms))  # type: ignore[arg-type]
        for plane in self.planes:
            plane.notify()
        return job.id

    def get(self, job_id: str) -> Job:
        return self.history.get(job_id)

    def until(self, job_id: str, *status: str) -> Job:
        """The job once its status is one of these."""
        deadline = time.monotonic() + 60
        while (job := self.get(job_id)).status not in status:
            assert time.monotonic() < deadline, (job.status, job.error_message)
            time.sleep(0.02)
        return job

    def blobs(self) -> list[Path]:
        return [path for path in (self.settings.data_dir / "blobs").rglob("*") if path.is_file()]

    def close(self) -> None:
        self.engine.go_on.set()
        for plane in self.planes:
            plane.close(30)
        self.engines.close()
        self.history.close()
