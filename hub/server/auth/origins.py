"""Which pages may connect: the Origin header against the host of the request and a list (realtime.md, CVE-2022-42975).

An origin is compared as scheme, host and port, never as text: no prefix, no suffix, no user or path counts.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from hub.server.auth.user import User

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\]+)(?::([0-9]{1,5}))?", re.IGNORECASE)


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int | None


def read_origin(text: str) -> Origin | None:
    """None for what is no origin: `null`, or anything with a user, a path or a bad port."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, host, port = match[1].lower(), match[2].lower(), match[3]
    if port is not None and not 0 < int(port) < 65_536:
        return None
    return Origin(scheme, host, int(port) if port else _DEFAULT_PORTS.get(scheme))


class Origins:
    """A list of `https://host[:port]`, `https://*.host` (any name below it, not itself), or `*`.

    Raises ValueError for what is none of these.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self.any = False
        """Everybody's pages may connect; where a cookie is the token this does not count."""
        self._exact: set[Origin] = set()
        self._below: set[Origin] = set()  # their hosts begin with a dot
        for text in allowed:
            if text == "*":
                self.any = True
                continue
            origin = read_origin(text.replace("://*.", "://", 1))
            if origin is None or "*" in origin.host:
                raise ValueError(f"{text} is no origin: write https://HOST[:PORT].")
            if "://*." in text:
                self._below.add(origin._replace(host=f".{origin.host}"))
            else:
                self._exact.add(origin)

    def lists(self, text: str) -> bool:
        """Whether the origin is on the list, `*` aside."""
        origin = read_origin(text)
        if origin is None:
            return False
        return origin in self._exact or any(
            origin.host.endswith(below.host) and (origin.scheme, origin.port) == (below.scheme, below.port)
            for below in self._below
        )


def is_same_origin(origin: str, host: str) -> bool:
    """Whether an Origin names the host of the request. The scheme is not compared: TLS may end in front of us."""
    found = read_origin(origin)
    if found is None or found.scheme not in _DEFAULT_PORTS:
        return False
    return read_origin(f"{found.scheme}://{host}") == found


def host_name(host: str) -> str:
    """The name in a Host header, without its port; empty if there is none."""
    found = read_origin(f"http://{host}")
    return "" if found is None else found.host.strip("[]")


def is_loopback(address: str) -> bool:
    """Whether an address or name is this machine's own, and nobody else can reach it."""
    return address == "localhost" or ((ip := _read_ip(address)) is not None and ip.is_loopback)


def is_elsewhere(address: str) -> bool:
    """Whether it is an address that others can reach; names (of socket files, of tests) are not."""
    return (ip := _read_ip(address)) is not None and not ip.is_loopback


def address_group(address: str) -> str:
    """What limits per address count by: an IPv6 network gives each of its customers a /64 at least."""
    ip = _read_ip(address)
    return str(ipaddress.ip_network((ip, 64), strict=False)) if isinstance(ip, ipaddress.IPv6Address) else address


def user_or_address(user: User, address: str | None) -> str:
    """What a limit per user counts by: where everybody is the same anonymous user, their addresses tell them apart."""
    return f"address {address_group(address or '')}" if user.anonymous else user.key


@lru_cache(maxsize=4096)
def _read_ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def is_safe_address(url: str) -> bool:
    """Whether keys may be fetched from there: https, or http from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises ValueError for one that is none
    except ValueError:
        return False
    if not host or parts.username is not None or re.search(r"\s", url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
