"""The server's secret and the keyed hashes made with it."""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from tingshuo.db.connection import private_folder
from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings

#: Fewer characters can be guessed by trying.
MIN_LENGTH = 16


def server_secret(settings: Settings) -> bytes:
    """TINGSHUO_SECRET, else the content of `data_dir/secret`, made on first use.

    Raises `ConfigurationError` for one that is too short or cannot be read or written.
    """
    secret = settings.secret or _from_file(settings.data_dir / "secret")
    if len(secret) < MIN_LENGTH:
        where = "TINGSHUO_SECRET" if settings.secret else str(settings.data_dir / "secret")
        raise ConfigurationError(f"{where} has {len(secret)} characters; at least {MIN_LENGTH} are needed")
    return secret.encode()


def keyed_hash(settings: Settings, purpose: str, message: str) -> str:
    """HMAC-SHA256 in hex. `purpose` keeps a hash made for one thing from being good for another."""
    return hmac.new(server_secret(settings), f"{purpose}\n{message}".encode(), sha256).hexdigest()


def _from_file(path: Path) -> str:
    try:
        if not path.exists():
            _create(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot use the server secret {path}: {error}") from error


def _create(path: Path) -> None:
    # Written in full, then linked: of two processes that start together the second finds the first's secret.
    private_folder(path.parent)
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
