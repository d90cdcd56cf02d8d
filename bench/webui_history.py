"""How long the pages of a long history take.

    python bench/webui_history.py [--jobs 10000] [--rounds 20] [--database postgresql://…]

Fills an empty database (SQLite in a new folder unless one is named) with jobs of every kind, mood and age by the
project's own code, starts the API with its pages in a server of its own, signs in and measures whole pages as a
browser gets them. Milliseconds: median, 95th percentile and slowest of the rounds, after one that is not counted.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx

from tingshuo import auth, db
from tingshuo.calls import in_brief
from tingshuo.db import Job
from tingshuo.outcome import labels_of
from tingshuo.recording import new_job_id
from tingshuo.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
from serving import Server, running

MOODS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "unknown")
EVENTS = ("laughter", "applause", "music", "coughing")
SENTENCES = (
    "我已经等了三天了，我要退款！",
    "今天真高兴，我们去公园吧！",
    "请把这份报告发给我。",
    "外面下着雨，他一个人走回家。",
)
DAYS = 90


def fill(settings: Settings, jobs: int, chance: random.Random) -> None:
    """Write `jobs` jobs of five keys over the last ninety days."""
    keys = [auth.create_key(settings, f"centre {number}", ["transcribe", "jobs"])[0].id for number in range(5)]
    now = datetime.now(UTC)
    for start in range(0, jobs, 500):
        with db.session(settings) as session:
            for number in range(start, min(start + 500, jobs)):
                made = now - timedelta(days=DAYS * (jobs - number) / jobs)
                job = _job(made, chance.choice(keys), chance)
                session.add(job)
                session.flush()
                if job.kind == "transcription" and job.status == "succeeded":
                    session.add(in_brief(job))


def _job(made: datetime, caller: str, chance: random.Random) -> Job:
    kind = chance.choices(("transcription", "speech"), (4, 1))[0]
    result = _heard(chance) if kind == "transcription" else {}
    parameters = {"emotion": chance.choice(MOODS[:7])} if kind == "speech" else {"language": "auto"}
    return Job(
        id=new_job_id(int(made.timestamp() * 1e6)),
        kind=kind,
        status=chance.choices(("succeeded", "failed"), (19, 1))[0],
        caller=caller,
        engine="sensevoice" if kind == "transcription" else "espeak",
        engine_version="1",
        parameters=parameters,
        input_name=f"call-{chance.randrange(10**6)}.wav" if kind == "transcription" else None,
        input_text=chance.choice(SENTENCES) if kind == "speech" else None,
        output_text=result.get("text"),
        result=result,
        labels=labels_of(kind, parameters, result),
        audio_seconds=result.get("duration", 3.0),
        characters=12 if kind == "speech" else None,
        processing_seconds=0.2,
        created_at=made,
        started_at=made,
        finished_at=made,
    )


def _heard(chance: random.Random) -> dict[str, Any]:
    """A transcript of a call of one to three minutes."""
    segments: list[dict[str, Any]] = []
    for number in range(chance.randint(12, 36)):
        mood = chance.choice(MOODS)
        events = [{"label": chance.choice(EVENTS), "start": 0.0, "end": 1.0}] if chance.random() < 0.05 else []
        told = {"label": mood, "score": 0.9, "scores": dict.fromkeys(MOODS, 0.1)}
        text = chance.choice(SENTENCES)
        segments.append(
            {"start": 5.0 * number, "end": 5.0 * number + 4, "text": text, "emotion": told, "events": events}
        )
    return {"text": "".join(one["text"] for one in segments), "segments": segments, "duration": 5.0 * len(segments)}


def signed_in(server: Server) -> httpx.Client:
    """A browser without scripts, signed in."""
    client = httpx.Client(base_url=server.url, follow_redirects=True, timeout=60)
    token = client.get("/sign-in").text.partition('name="csrf-token" content="')[2].partition('"')[0]
    client.post("/sign-in", data={"key": server.key, "csrf_token": token, "next": "/history"}).raise_for_status()
    return client


def measured(call: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)


def pages(settings: Settings, jobs: int) -> dict[str, str]:
    """What is measured, by its name."""
    with db.session(settings) as session:
        ids = [row[0] for row in session.query(Job.id).order_by(Job.id.desc())]
    deep = ids[jobs * 9 // 10]
    week = f"{datetime.now(UTC) - timedelta(days=7):%F}"
    return {
        "history, first page": "/history",
        "history, after nine tenths": f"/history?after={deep}",
        "history, failed speech": "/history?kind=speech&status=failed",
        "history, angry with laughter": "/history?emotion=angry&event=laughter",
        "history, search": "/history?q=" + SENTENCES[0][2:6],
        "history, search that finds nothing": "/history?q=nothing-like-it",
        "calls, worst first, with trends": "/calls",
        "calls, last week, angry": f"/calls?since={week}&emotion=angry",
        "calls, search": "/calls?q=" + SENTENCES[0][2:6],
        "administration": "/admin/",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        settings = load_settings(data_dir=data, database_url=given.database)
        db.upgrade(settings)
        _, token = auth.create_key(settings, "bench", ["admin"])
        fill(settings, given.jobs, random.Random(1))
        extra = {"TINGSHUO_DATABASE_URL": given.database} if given.database else {}
        with running(data, token, **extra) as server:
            client = signed_in(server)
            print("| page | median ms | 95 % | slowest |\n|---|---|---|---|")
            for name, path in pages(settings, given.jobs).items():
                times = measured(lambda path=path: client.get(path).raise_for_status(), given.rounds)  # type: ignore[misc]
                high = times[round(0.95 * (len(times) - 1))]
                print(f"| {name} | {statistics.median(times):.0f} | {high:.0f} | {times[-1]:.0f} |", flush=True)
            client.close()


if __name__ == "__main__":
    main()
