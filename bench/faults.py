"""Queued jobs while everything around them fails: workers killed, database and broker restarted, the disk full.

    python bench/faults.py --queue local --jobs 2000 --kill-every 4
    python bench/faults.py --queue celery --database postgresql://postgres@127.0.0.1/postgres --jobs 2000 --kill-every 4
        --terminate-every 20 --at 60 "systemctl restart postgresql" --at 120 "systemctl restart rabbitmq-server"

Every job must end exactly once, in `succeeded` or in `failed` with a reason. A trigger in the database counts how often
each row comes to an end, and whether any leaves it again. Prints one JSON object; exit code 1 if a promise was broken.
The engines are the tone engines with a little delay, so that what is tested is the way of the jobs.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
from fault_site import ENDED, PLUGIN, TRIGGERS, Workers, database, delete_queues, disk, submit
from sqlalchemy import text

from tingshuo import db
from tingshuo.errors import TingshuoError
from tingshuo.settings import Settings, load_settings


def states(settings: Settings) -> Counter[str]:
    """How many jobs are in which state; empty while the database is away."""
    try:
        with db.session(settings) as session:
            found = session.execute(text("SELECT status, count(*) FROM jobs GROUP BY status")).all()
    except TingshuoError:
        return Counter()
    return Counter({str(row[0]): int(row[1]) for row in found})


def faults(settings: Settings, workers: Workers, arguments: argparse.Namespace) -> bool:
    """Do all that harm until every job has ended; False if the time is up before that."""
    start, done_at = time.monotonic(), {"kill": 0.0, "terminate": 0.0}
    plan = sorted((float(seconds), command) for seconds, command in arguments.at or [])
    filler = settings.data_dir / "filler"
    while (elapsed := time.monotonic() - start) < arguments.timeout:
        now = states(settings)
        if now and not now["queued"] and not now["running"]:
            return True
        workers.revive()
        may_kill = arguments.kill_every and (not arguments.kills or workers.killed < arguments.kills)
        if may_kill and elapsed - done_at["kill"] >= arguments.kill_every:
            done_at["kill"] = elapsed
            workers.kill_one()
        if arguments.terminate_every and elapsed - done_at["terminate"] >= arguments.terminate_every:
            done_at["terminate"] = elapsed
            terminate_connections(settings)
        while plan and elapsed >= plan[0][0]:
            subprocess.run(plan.pop(0)[1], shell=True, check=False, stdout=subprocess.DEVNULL)
        fill(filler, full=arguments.disk_mb > 0 and arguments.full_from <= elapsed < arguments.full_until)
        time.sleep(0.2)
    return False


def fill(filler: Path, *, full: bool) -> None:
    """Take up all of the file system, or give it free again."""
    if not full:
        filler.unlink(missing_ok=True)
        return
    with suppress(OSError), filler.open("ab") as file:
        while True:
            file.write(bytes(2**16))
            file.flush()


def terminate_connections(settings: Settings) -> None:
    """End every connection to the database of the run."""
    if settings.database_url:
        with suppress(psycopg.Error), psycopg.connect(settings.database_url, autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def verdict(settings: Settings, count: int) -> dict[str, Any]:
    """What became of the jobs, and which promises were broken."""
    with db.session(settings) as session:
        rows = session.query(db.Job).all()
        ends = Counter(str(row[0]) for row in session.execute(text("SELECT job_id FROM ends")).all())
        left = session.execute(text(f"SELECT count(*) FROM ends WHERE was IN {ENDED}")).scalar()
    files = list((settings.data_dir / "blobs").glob("*/*/[!.]*"))
    blobs = {path.parent.name: path for path in files}
    spoken = [row for row in rows if row.kind == "speech" and row.status == "succeeded"]
    broken = {
        "lost": count - len(rows),
        "not_ended": sum(row.status not in db.ENDED for row in rows),
        "ended_more_than_once": sum(number > 1 for number in ends.values()),
        "left_their_end": int(left or 0),
        "failed_without_reason": sum(row.status == "failed" and not row.error_code for row in rows),
        # A kill takes an attempt, not the job; and an engine that works fails no text.
        "interrupted_with_attempts_left": sum(
            row.error_code == "interrupted" and row.attempts < row.max_attempts for row in rows
        ),
        "engine_failed_unasked": sum(
            row.error_code == "engine_failed" and not (row.input_text or "").startswith("broken") for row in rows
        ),
        "succeeded_though_broken": sum((row.input_text or "").startswith("broken") for row in spoken),
        "succeeded_without_result": sum(row.status == "succeeded" and not row.result for row in rows),
        "audio_missing_or_wrong": sum(
            row.id not in blobs or blobs[row.id].stat().st_size != row.audio_size for row in spoken
        ),
        "files_too_many": len(files) - len(spoken),
    }
    return {
        "jobs": count,
        "states": dict(Counter(row.status for row in rows)),
        "failed_for": dict(Counter(str(row.error_code) for row in rows if row.status == "failed")),
        "started_more_than_once": sum(row.attempts > 1 for row in rows),
        "broken_promises": {name: number for name, number in broken.items() if number},
    }


def run(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run from the first job to the verdict."""
    plugin = folder / "plugin"
    info = plugin / "fault_tones-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fault-tones\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tingshuo]\nfault_tones = fault_tones\n")
    (plugin / "fault_tones.py").write_text(PLUGIN)
    with ExitStack() as stack:
        stack.enter_context(disk(folder / "data", arguments.disk_mb))
        settings = load_settings(
            data_dir=folder / "data",
            database_url=stack.enter_context(database(arguments.database)),
            queue=arguments.queue,
            broker_url=arguments.broker,
            broker_prefix=f"faults-{secrets.token_hex(4)}",
            lease_seconds=arguments.lease,
            retry_seconds=0.5,
            keep_audio="output",
        )
        stack.callback(db.dispose, settings)
        if settings.queue == "celery":
            stack.callback(delete_queues, settings)
        db.upgrade(settings)
        with db.session(settings) as session:
            for statement in TRIGGERS["postgresql" if settings.database_url else "sqlite"]:
                session.execute(text(statement))
        submit(settings, arguments.jobs)
        start = time.monotonic()
        workers = Workers(settings, plugin, arguments.workers)
        stack.callback(workers.close)
        ended = faults(settings, workers, arguments)
        workers.close()
        return {
            "queue": arguments.queue,
            "database": "postgresql" if settings.database_url else "sqlite",
            "seconds": round(time.monotonic() - start, 1),
            "all_ended_in_time": ended,
            "workers_killed": workers.killed,
            "workers_ended_by_themselves": workers.ended,
            **verdict(settings, arguments.jobs),
        }


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", choices=("local", "celery"), default="local")
    parser.add_argument("--database", default="", help="a PostgreSQL server in which a database is made")
    parser.add_argument("--broker", default="amqp://guest:guest@127.0.0.1:5672//")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lease", type=float, default=5.0)
    parser.add_argument("--kill-every", type=float, default=4.0)
    parser.add_argument("--kills", type=int, default=0, help="at most so many; 0: no end")
    parser.add_argument("--terminate-every", type=float, default=0.0)
    parser.add_argument("--at", nargs=2, action="append", metavar=("SECONDS", "COMMAND"))
    parser.add_argument("--disk-mb", type=int, default=0, help="put the data folder on a file system so small")
    parser.add_argument("--full-from", type=float, default=30.0)
    parser.add_argument("--full-until", type=float, default=60.0)
    parser.add_argument("--timeout", type=float, default=1800.0)
    parser.add_argument("--log", type=Path, help="where to keep what the workers say")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tingshuo-faults-"))
    try:
        told = run(arguments, folder)
    finally:
        log = folder / "plugin" / "workers.log"
        if log.is_file() and arguments.log:
            shutil.copy(log, arguments.log)
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(told, indent=1))
    return int(bool(told["broken_promises"]) or not told["all_ended_in_time"])


if __name__ == "__main__":
    sys.exit(main())
