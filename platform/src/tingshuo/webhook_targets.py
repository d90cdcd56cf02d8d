"""Where webhooks may go: hosts the operator names, at addresses that are public or in networks the operator names."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from tingshuo.errors import InvalidRequest
from tingshuo.settings import Settings

_PORTS = {"https": 443, "http": 80}
MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's URL, taken apart. `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def check_target(settings: Settings, url: str) -> Target:
    """The URL taken apart; raises `InvalidRequest` for one that webhooks may not go to. Resolves no name."""
    target = _parsed(url)
    names = {f"{target.host}:{target.port}"}
    if target.port == _PORTS[target.scheme]:
        names.add(target.host)
    if not names & {host.lower() for host in settings.webhook_hosts}:
        known = ", ".join(settings.webhook_hosts) or "none is"
        raise InvalidRequest(
            f"webhooks may not go to {target.authority!r}; configured in TINGSHUO_WEBHOOK_HOSTS: {known}",
            param="webhook",
        )
    if not settings.webhook_secret:
        raise InvalidRequest("the server has no TINGSHUO_WEBHOOK_SECRET to sign webhooks with", param="webhook")
    return target


def _parsed(url: str) -> Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequest(f"webhook is {url[:100]!r}, which is no URL", param="webhook") from error
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= MAX_URL
    if parts.scheme not in _PORTS or not parts.hostname or not plain:
        raise InvalidRequest(f"webhook is {url[:100]!r}; give an https:// URL", param="webhook")
    if parts.username is not None or parts.fragment:
        raise InvalidRequest("a webhook's URL holds no user name and no fragment", param="webhook")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme], path)


def resolve(settings: Settings, target: Target) -> str:
    """The address to connect to. Raises `InvalidRequest` unless every address of the host is allowed, `OSError`.

    Checked and then connected to is the same address: a name that resolves anew in between gains nothing.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        if not _allowed(settings, address, secure=target.scheme == "https"):
            raise InvalidRequest(
                f"{target.host} lies at {address}, which is neither public and reached by https nor in "
                "TINGSHUO_WEBHOOK_NETWORKS",
                param="webhook",
            )
    return addresses[0]


def _allowed(settings: Settings, text: str, *, secure: bool) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in settings.webhook_networks):
        return True
    # Without TLS anybody on the way could read and answer; inside the operator's own networks that is their choice.
    return secure and address.is_global and not address.is_multicast
