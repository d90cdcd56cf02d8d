"""A backup taken from a server with a history is restored, and the history is there: on both databases."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tingshuo import auth, db
from tingshuo.errors import NotFound
from tingshuo.jobs import History
from tingshuo.settings import Settings, load_settings
from tingshuo.testing import ToneSynthesizer

SCRIPTS = Path(__file__).resolve().parents[2] / "deploy" / "backup"


def _run(script: str, argument: Path, settings: Settings, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.data_dir.parent),
        "PYTHON": sys.executable,
        "TINGSHUO_DATA_DIR": str(settings.data_dir),
        **({"TINGSHUO_DATABASE_URL": settings.database_url} if settings.database_url else {}),
        **more,
    }
    return subprocess.run([str(SCRIPTS / script), str(argument)], env=environment, capture_output=True, text=True)


def _history(settings: Settings) -> tuple[str, str]:
    """A job with kept audio, and a key: the job's id and the token."""
    db.upgrade(settings)
    history = History(settings)
    with history.record("speech", ToneSynthesizer(), {"voice": "high"}, caller="cli", input_text="今天真高兴") as job:
        job.finish({"duration": 1.0}, audio_seconds=1.0, characters=5, audio=b"RIFF audio", audio_format="wav")
    token = auth.create_key(settings, "kept", ["jobs"])[1]
    models = settings.data_dir / "models" / "owner" / "name"
    models.mkdir(parents=True)
    (models / "model.pt").write_bytes(b"large")
    history.close()
    return job.id, token


def _check(settings: Settings, job_id: str, token: str) -> None:
    db.upgrade(settings)
    assert auth.authenticate(settings, token).name == "kept"
    history = History(settings)
    job = history.get(job_id)
    assert (job.status, job.input_text, job.characters) == ("succeeded", "今天真高兴", 5)
    kept = [path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [b"RIFF audio"]
    assert not (settings.data_dir / "models").exists()
    with pytest.raises(NotFound):
        history.get("job_" + "0" * 30)
    history.close()
    db.dispose(settings)


def test_a_sqlite_history_comes_back_while_the_server_still_works(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "old", keep_audio="all")
    job_id, token = _history(settings)
    # Connections are open and the journal is not written back: what a copy of the file would lack.
    assert (settings.data_dir / "tingshuo.db-wal").stat().st_size > 0
    done = _run("backup.sh", tmp_path / "backups", settings)
    assert done.returncode == 0, done.stderr
    db.dispose(settings)
    backup = Path(done.stdout.strip())
    restored = load_settings(data_dir=tmp_path / "new", keep_audio="all")
    assert _run("restore.sh", backup, restored).returncode == 0
    _check(restored, job_id, token)
    again = _run("restore.sh", backup, restored)
    assert (again.returncode, "move it away first" in again.stderr) == (2, True)


@pytest.mark.skipif(not shutil.which("pg_dump") or not shutil.which("pg_restore"), reason="pg_dump is not installed")
def test_a_postgresql_history_comes_back(tmp_path: Path, postgres_url: str, request: pytest.FixtureRequest) -> None:
    import psycopg

    settings = load_settings(data_dir=tmp_path / "old", database_url=postgres_url, keep_audio="all")
    job_id, token = _history(settings)
    done = _run("backup.sh", tmp_path / "backups", settings)
    db.dispose(settings)
    assert done.returncode == 0, done.stderr
    backup = Path(done.stdout.strip())
    restored = load_settings(data_dir=tmp_path / "new", database_url=postgres_url, keep_audio="all")
    full = _run("restore.sh", backup, restored)
    assert (full.returncode, "has tables already" in full.stderr) == (2, True)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    last = _run("restore.sh", backup, restored)
    assert last.returncode == 0, last.stderr
    _check(restored, job_id, token)


def test_a_damaged_backup_is_refused_and_old_ones_go(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "old")
    _history(settings)
    db.dispose(settings)
    for day in range(3):
        (tmp_path / "backups" / f"2026010{day + 1}T000000Z").mkdir(parents=True)
    backup = Path(_run("backup.sh", tmp_path / "backups", settings, KEEP="2").stdout.strip())
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == ["20260103T000000Z", backup.name]
    assert backup.stat().st_mode & 0o777 == 0o700
    (backup / "tingshuo.db").write_bytes(b"nothing")
    done = _run("restore.sh", backup, load_settings(data_dir=tmp_path / "new"))
    assert (done.returncode, "is damaged" in done.stderr) == (2, True)
    assert not (tmp_path / "new").exists()
