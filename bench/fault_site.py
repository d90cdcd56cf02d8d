"""What bench/faults.py works with: a database of its own, a small disk, workers to kill, jobs to do."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import psycopg
from sqlalchemy import select

from tingshuo import db
from tingshuo.audio import encode
from tingshuo.errors import TingshuoError
from tingshuo.settings import Settings
from tingshuo.submission import Submission, Terms, Upload, Wish
from tingshuo.testing import ToneSynthesizer, engines_of
from tingshuo.types import Utterance

PLUGIN = """
import random, time
from tingshuo import hookimpl
from tingshuo.errors import EngineFailed
from tingshuo.tones import ToneRecognizer, ToneSynthesizer

class Tones(ToneSynthesizer):
    def synthesize(self, utterance):
        time.sleep(random.uniform(0.01, 0.1))
        if utterance.text.startswith("broken"):
            raise EngineFailed("this one always fails")
        return super().synthesize(utterance)

@hookimpl
def register_engines(settings):
    return [Tones(), ToneRecognizer()]
"""

ENDED = "('succeeded', 'failed', 'cancelled')"
TRIGGERS = {
    "sqlite": [
        "CREATE TABLE ends (job_id TEXT, was TEXT)",
        f"CREATE TRIGGER count_ends AFTER UPDATE OF status ON jobs WHEN NEW.status IN {ENDED} OR OLD.status IN {ENDED}"
        " BEGIN INSERT INTO ends VALUES (NEW.id, OLD.status); END",
    ],
    "postgresql": [
        "CREATE TABLE ends (job_id TEXT, was TEXT)",
        "CREATE FUNCTION note_end() RETURNS trigger AS $$ BEGIN INSERT INTO ends VALUES (NEW.id, OLD.status);"
        " RETURN NEW; END $$ LANGUAGE plpgsql",
        f"CREATE TRIGGER count_ends AFTER UPDATE OF status ON jobs FOR EACH ROW WHEN (NEW.status IN {ENDED} OR"
        f" OLD.status IN {ENDED}) EXECUTE FUNCTION note_end()",
    ],
}


class Workers:
    """Processes of `tingshuo worker` that are killed and started again."""

    def __init__(self, settings: Settings, plugin: Path, count: int) -> None:
        self.settings = settings
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TINGSHUO_")},
            "PYTHONPATH": str(plugin),
            "OMP_NUM_THREADS": "1",
            "TINGSHUO_PLUGINS": "fault_tones",
            "TINGSHUO_DATA_DIR": str(settings.data_dir),
            "TINGSHUO_DATABASE_URL": settings.database_url,
            "TINGSHUO_QUEUE": settings.queue,
            "TINGSHUO_BROKER_URL": settings.broker_url,
            "TINGSHUO_BROKER_PREFIX": settings.broker_prefix,
            "TINGSHUO_LEASE_SECONDS": str(settings.lease_seconds),
            "TINGSHUO_RETRY_SECONDS": str(settings.retry_seconds),
            "TINGSHUO_KEEP_AUDIO": "output",
            "TINGSHUO_DRAIN_SECONDS": "10",
        }
        self.log = (plugin / "workers.log").open("ab")
        self.running = [self._start() for _ in range(count)]
        self.killed = self.ended = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tingshuo", "worker", "--threads", "2", "--log-level", "warning"]
        return subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)

    def kill_one(self) -> None:
        """Kill -9 one that is in the middle of a job, and start another; none where none is."""
        busy = self._busy()
        for place, process in enumerate(self.running):
            if process.pid in busy:
                process.kill()
                process.wait()
                self.running[place] = self._start()
                self.killed += 1
                return

    def revive(self) -> None:
        """Start those anew that ended by themselves, as a service manager does."""
        for place, process in enumerate(self.running):
            if process.poll() is not None:
                self.running[place] = self._start()
                self.ended += 1

    def _busy(self) -> set[int]:
        """Process ids of those that work on a job, as their names in the rows tell."""
        try:
            with db.session(self.settings) as session:
                names = session.scalars(select(db.Job.worker).where(db.Job.status == "running")).all()
        except TingshuoError:
            return set()
        return {int(name.split(":")[1]) for name in names if name}

    def close(self) -> None:
        """Stop them as an operator does."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
        self.log.close()


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of this run alone: "" stays SQLite in the data folder."""
    if not url:
        yield ""
        return
    name = f"tingshuo_faults_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{url.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def delete_queues(settings: Settings) -> None:
    """Leave nothing of the run at the broker."""
    from tingshuo.queues.celery_queue import celery_app

    app = celery_app(settings)
    with app.connection_for_write() as connection, connection.channel() as channel:
        for queue in app.amqp.queues.values():
            queue(channel).delete()
        channel.exchange_delete(settings.broker_prefix)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A small file system at `folder` (needs root), for filling it up; the one that is there for 0."""
    folder.mkdir(parents=True)
    if megabytes:
        options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        subprocess.run(["mount", *options], check=True)
    try:
        yield
    finally:
        if megabytes:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def submit(settings: Settings, count: int) -> int:
    """Queue the jobs: speech, every fourth a transcription, every twentieth one that always fails. How many."""
    engines = engines_of(settings=settings)
    submission = Submission(settings, engines, "faults")
    clip = encode(ToneSynthesizer().synthesize(Utterance("今天真高兴", "high")), "wav")
    for number in range(count):
        terms = Terms(max_attempts=10 if number % 20 else 2, priority=number % 3)
        if number % 4 == 1:
            submission.job("transcription", Wish({}, Upload(BytesIO(clip), f"{number}.wav")), terms)
        else:
            said = f"broken {number}" if number % 20 == 0 else f"number {number}"
            submission.job("speech", Wish({"input": said, "response_format": "wav"}), terms)
    engines.close()
    return count
