"""Keys, the server's secret and signed links."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tingshuo import auth, db, links
from tingshuo.auth import SCOPES
from tingshuo.db import ApiKey
from tingshuo.errors import AuthenticationFailed, ConfigurationError, InvalidRequest, NotFound, PermissionDenied
from tingshuo.secret import server_secret
from tingshuo.settings import Settings, load_settings


@pytest.fixture
def keyring(any_database: Settings) -> Settings:
    """A database that can hold keys."""
    db.upgrade(any_database)
    return any_database


def test_a_key_is_good_for_what_it_was_made_for(keyring: Settings) -> None:
    row, token = auth.create_key(keyring, "call centre", ["transcribe", "jobs"])
    caller = auth.authenticate(keyring, token)
    assert (caller.id, caller.name) == (row.id, "call centre")
    caller.require("transcribe", "jobs")
    with pytest.raises(PermissionDenied, match="lacks the scope 'speak'; it has: jobs, transcribe"):
        caller.require("transcribe", "speak")


def test_admin_implies_every_scope_and_all_is_short_for_the_four(keyring: Settings) -> None:
    _, admin = auth.create_key(keyring, "boss", ["admin"])
    auth.authenticate(keyring, admin).require(*SCOPES)
    assert auth.create_key(keyring, "everything", ["all"])[0].scopes == sorted(SCOPES)


def test_a_token_is_long_random_and_kept_nowhere(settings: Settings) -> None:
    db.upgrade(settings)
    _, token = auth.create_key(settings, "one", ["speak"])
    _, other = auth.create_key(settings, "two", ["speak"])
    assert token.startswith("ts-")
    assert len(token) == 46  # 3 + 32 bytes in base64url
    assert token != other
    db.dispose(settings)
    kept = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert token.encode() not in kept
    assert token[3:].encode() not in kept


@pytest.mark.parametrize("token", ["", "ts-", "ts-wrong", "x" * 10_000, "ts-\x00", "' OR 1=1 --", "ts-é中"])
def test_a_wrong_token_is_turned_away(keyring: Settings, token: str) -> None:
    auth.create_key(keyring, "one", ["speak"])
    with pytest.raises(AuthenticationFailed, match="wrong"):
        auth.authenticate(keyring, token)


def test_a_revoked_key_is_turned_away_and_its_name_is_free_again(keyring: Settings) -> None:
    _, token = auth.create_key(keyring, "nightly", ["speak"])
    assert auth.revoke_key(keyring, "nightly").revoked_at is not None
    with pytest.raises(AuthenticationFailed, match="revoked"):
        auth.authenticate(keyring, token)
    again, _ = auth.create_key(keyring, "nightly", ["speak"])
    auth.revoke_key(keyring, again.id)
    with pytest.raises(NotFound, match="no key in force has the id or name 'nightly'"):
        auth.revoke_key(keyring, "nightly")


def test_an_expired_key_is_turned_away(keyring: Settings) -> None:
    row, token = auth.create_key(keyring, "guest", ["speak"], datetime.now(UTC) + timedelta(hours=1))
    auth.authenticate(keyring, token)
    with db.session(keyring) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(ApiKey).where(ApiKey.id == row.id).values(expires_at=past))
    with pytest.raises(AuthenticationFailed, match="expired"):
        auth.authenticate(keyring, token)


def test_two_keys_in_force_cannot_share_a_name(keyring: Settings) -> None:
    auth.create_key(keyring, "twin", ["speak"])
    with pytest.raises(InvalidRequest, match="'twin'"):
        auth.create_key(keyring, "twin", ["jobs"])


@pytest.mark.parametrize(
    ("name", "scopes", "expires", "param"),
    [
        ("", ["speak"], None, "name"),
        ("   ", ["speak"], None, "name"),
        ("x" * 101, ["speak"], None, "name"),
        ("a\nb", ["speak"], None, "name"),
        ("ok", [], None, "scopes"),
        ("ok", ["speak", "root"], None, "scopes"),
        ("ok", ["speak"], datetime(2020, 1, 1, tzinfo=UTC), "expires"),
        ("ok", ["speak"], datetime(2099, 1, 1), "expires"),  # without a zone
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    keyring: Settings, name: str, scopes: list[str], expires: datetime | None, param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        auth.create_key(keyring, name, scopes, expires)
    assert caught.value.param == param
    assert auth.list_keys(keyring) == []


def test_the_use_of_a_key_is_noted_but_not_on_every_request(keyring: Settings) -> None:
    _, token = auth.create_key(keyring, "busy", ["speak"])
    assert auth.list_keys(keyring)[0].last_used_at is None
    auth.authenticate(keyring, token)
    first = auth.list_keys(keyring)[0].last_used_at
    assert first is not None
    auth.authenticate(keyring, token)
    assert auth.list_keys(keyring)[0].last_used_at == first
    with db.session(keyring) as session:
        session.execute(update(ApiKey).values(last_used_at=first - timedelta(minutes=2)))
    auth.authenticate(keyring, token)
    assert auth.list_keys(keyring)[0].last_used_at > first - timedelta(minutes=1)  # type: ignore[operator]


def test_the_first_start_makes_one_admin_key_and_no_later_one_does(keyring: Settings) -> None:
    with ThreadPoolExecutor(4) as together:
        tokens = [token for token in together.map(lambda _: auth.first_key(keyring), range(4)) if token]
    assert len(tokens) == 1
    assert auth.authenticate(keyring, tokens[0]).is_admin
    auth.revoke_key(keyring, auth.FIRST_KEY)
    assert auth.first_key(keyring) is None


def test_keys_of_one_server_are_worth_nothing_under_another_secret(keyring: Settings) -> None:
    _, token = auth.create_key(keyring, "one", ["speak"])
    other = keyring.model_copy(update={"secret": "another secret of a server"})
    with pytest.raises(AuthenticationFailed):
        auth.authenticate(other, token)


def test_the_secret_is_made_once_for_us_alone_also_by_processes_that_start_together(settings: Settings) -> None:
    program = (
        "import sys; from tingshuo.secret import server_secret; from tingshuo.settings import load_settings;"
        "print(server_secret(load_settings(data_dir=sys.argv[1])).decode())"
    )
    command = [sys.executable, "-c", program, str(settings.data_dir)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    secrets = {process.communicate(timeout=60)[0].strip() for process in started}
    assert secrets == {server_secret(settings).decode()}
    assert stat.S_IMODE((settings.data_dir / "secret").stat().st_mode) == 0o600
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret"]


def test_a_secret_that_is_too_short_stops_the_start(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="TINGSHUO_SECRET has 5 characters"):
        server_secret(load_settings(data_dir=settings.data_dir, secret="short"))
    server_secret(settings)
    (settings.data_dir / "secret").write_text("")
    with pytest.raises(ConfigurationError, match=r"secret has 0 characters"):
        server_secret(settings)


PATH = "/v1/jobs/job_1/audio"


def _query(settings: Settings, life: timedelta = timedelta(hours=1)) -> dict[str, str]:
    query = links.sign(settings, PATH, datetime.now(UTC) + life)
    return dict(part.split("=") for part in query.split("&"))


def test_a_link_opens_its_own_path_alone(settings: Settings) -> None:
    query = _query(settings)
    links.verify(settings, PATH, **query)
    with pytest.raises(AuthenticationFailed, match="signature"):
        links.verify(settings, "/v1/jobs/job_2/audio", **query)


@pytest.mark.parametrize(
    "change", [{"expires": "9999999999"}, {"expires": ""}, {"expires": "abc"}, {"signature": ""}, {"signature": "é"}]
)
def test_a_link_that_was_changed_opens_nothing(settings: Settings, change: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed, match="signature"):
        links.verify(settings, PATH, **{**_query(settings), **change})


def test_an_expired_link_opens_nothing(settings: Settings) -> None:
    with pytest.raises(AuthenticationFailed, match="expired"):
        links.verify(settings, PATH, **_query(settings, timedelta(seconds=-1)))
