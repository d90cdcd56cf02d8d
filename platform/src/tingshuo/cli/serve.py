"""`tingshuo serve`: the HTTP server."""

from __future__ import annotations

import errno
import ipaddress
import shlex
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tingshuo.cli.console import emit, note

if TYPE_CHECKING:
    from tingshuo.engines import Engines, EngineStatus
    from tingshuo.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: TINGSHUO_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: TINGSHUO_PORT, 8000.")] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="Least severity that is logged.")
    ] = "info",
) -> None:
    """Run the HTTP server in one process, until SIGTERM or Ctrl-C."""
    from tingshuo.settings import load_settings

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    # First, so that a second server on the port ends here, before it touches anything.
    with listening(settings.host, settings.port) as listener:
        _run(settings, listener, log_level)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises `ConfigurationError` where that cannot be."""
    from tingshuo.errors import ConfigurationError

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = "another program uses it" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise ConfigurationError(f"cannot listen on {host} port {port}: {reason}") from error
    # Connections take it over. asyncio sets it only on sockets that say they are TCP, which those of a listener made
    # so do not; without it a reply's body waits 40 ms for the other side to acknowledge its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run(settings: Settings, listener: socket.socket, log_level: str) -> None:
    from tingshuo import auth, db, logs
    from tingshuo.api import create_app
    from tingshuo.api.pages import show_pages
    from tingshuo.cli.server import serve_until_stopped

    logs.configure(settings, log_level)
    app = create_app(settings)
    app.state.engines.require_named_models()  # before the key is made that is shown once
    db.upgrade(settings)
    key = auth.first_key(settings)
    url = _url(listener)
    pages = show_pages(app, settings, url)
    _announce(settings, url, app.state.engines, key, pages=bool(pages))
    serve_until_stopped(app, listener, settings)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return f"http://{'[::1]' if address.version == 6 else '127.0.0.1'}:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def _announce(settings: Settings, url: str, engines: Engines, key: str | None, *, pages: bool) -> None:
    from tingshuo import __version__

    shown = f"web pages: {url}/, " if pages else ""
    emit(f"Tingshuo {__version__} listens on {url} ({shown}API: {url}/v1, its description: {url}/docs)")
    for status in engines.status():
        emit(f"  {status.name}: {_description(status)}")
    if _is_open(settings):
        note(
            f"warning: {settings.host} can be reached from other machines and every address may connect; "
            "limit them with TINGSHUO_ALLOWED_IPS"
        )
    if key:
        emit(f"\nThe admin key, shown this once:\n\n  {key}\n\nTo try:\n")
        emit("\n\n".join(_examples(engines, url, key)) + "\n")
    sys.stdout.flush()


def _description(status: EngineStatus) -> str:
    if status.state == "unavailable" or status.model is None:
        return f"cannot be used: {status.reason}"
    hub_ids = status.engine.hub_models if status.engine else ()
    match status.model.origin:
        case "starter":
            bring = f"; the official one: tingshuo models pull {' '.join(hub_ids)}" if hub_ids else ""
            return f"STARTER model, small and made from synthetic speech, for trying out{bring}"
        case "embedded":
            return f"built in ({status.model.name})"
        case _:
            return f"{status.model.origin} model {status.model.name}"


def _is_open(settings: Settings) -> bool:
    if settings.allowed_ips:
        return False
    try:
        return not ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        return settings.host != "localhost"


def _examples(engines: Engines, url: str, key: str) -> list[str]:
    """Three commands that can be pasted: speak with emotion, transcribe that, list the jobs."""
    import json

    from tingshuo.errors import TingshuoError
    from tingshuo.validation import find_voice

    bearer = shlex.quote(f"Authorization: Bearer {key}")
    speech = {
        "model": "tts-1",
        "voice": "default",
        "input": "今天真高兴！",
        "emotion": "happy",
        "response_format": "wav",
    }
    try:
        voice = find_voice(engines.synthesizer(), "")
    except TingshuoError:
        return [f"curl -sS {url}/v1/jobs -H {bearer}"]
    if not any(language.startswith("zh") for language in voice.languages):
        speech["input"] = "What a wonderful day!"
    if speech["emotion"] not in voice.emotions:
        speech["emotion"] = str(voice.emotions[-1])
    body = shlex.quote(json.dumps(speech, ensure_ascii=False))
    return [
        f"curl -sS {url}/v1/audio/speech -H {bearer} -H 'Content-Type: application/json' -d {body} -o hello.wav",
        f"curl -sS {url}/v1/audio/transcriptions -H {bearer} -F file=@hello.wav -F model=whisper-1 "
        "-F response_format=verbose_json",
        f"curl -sS {url}/v1/jobs -H {bearer}",
    ]
