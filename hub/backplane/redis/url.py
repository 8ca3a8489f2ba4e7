"""What the address of a Redis says. Five kinds, each also with TLS as `rediss…`:

redis://[USER:PASSWORD@]HOST[:PORT][/DB]           one server
redis+unix:///PATH[?db=DB]                         one server, by its socket
redis+sentinel://[…@]HOST[:PORT],…/MASTER[/DB]     the master that sentinels name (port 26379)
redis+cluster://[…@]HOST[:PORT],…                  a Cluster, found by any of its nodes
"""

import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from hub.errors import SettingsError

KINDS = (
    "redis://HOST:PORT, rediss://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT"
)


class Address(NamedTuple):
    """A host and port; or a socket's path, where the port is 0."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


class Target(msgspec.Struct, frozen=True):
    """What to connect to. `addresses`: the server, the sentinels, or some nodes of the Cluster."""

    kind: Literal["single", "sentinel", "cluster"]
    addresses: tuple[Address, ...]
    master: str = ""
    username: str | None = None
    password: str | None = None
    db: int = 0
    is_tls: bool = False

    def __str__(self) -> str:
        """For people; without the password."""
        where = ", ".join(map(str, self.addresses))
        return {"single": where, "sentinel": f"{self.master} by {where}", "cluster": f"the Cluster of {where}"}[
            self.kind
        ]


def parse(url: str) -> Target:
    """Raises SettingsError, which does not repeat the URL as that may hold a password."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    if scheme not in ("redis", "rediss") or kind not in ("", "unix", "sentinel", "cluster"):
        raise _wrong(f"begin as one of {KINDS}")
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    path = [unquote(word) for word in parts.path.strip("/").split("/") if word]
    query = dict(parse_qsl(parts.query))
    if parts.fragment or query.keys() - ({"db"} if kind == "unix" else set()):
        raise _wrong("have nothing after its path")
    if kind == "unix":
        path = [query["db"]] if "db" in query else []
        addresses: tuple[Address, ...] = (Address(unquote(parts.path), 0),)
        if hosts or len(parts.path) < 2:
            raise _wrong("name a socket: redis+unix:///PATH")
    else:
        addresses = tuple(_address(host, 26379 if kind == "sentinel" else 6379) for host in hosts.split(","))
    master = ""
    if kind == "sentinel":
        if not path:
            raise _wrong("name the master that the sentinels watch: redis+sentinel://HOST:PORT,HOST:PORT/MASTER")
        master = path.pop(0)
    if kind == "" and len(addresses) > 1:
        raise _wrong("name one server, or say what several are: redis+sentinel:// or redis+cluster://")
    if kind == "cluster" and path:
        raise _wrong("have no path: a Cluster has one database")
    if len(path) > 1 or not all(re.fullmatch(r"[0-9]{1,4}", word) for word in path):
        raise _wrong("end in a database's number, if in anything: /0")
    return Target(
        "sentinel" if kind == "sentinel" else "cluster" if kind == "cluster" else "single",
        addresses,
        master,
        unquote(username) or None,
        unquote(password) or None,
        int(path[0]) if path else 0,
        scheme == "rediss",
    )


def _address(text: str, port: int) -> Address:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s\[\]:/]+))(?::([0-9]{1,5}))?", text)
    if match is None or not 0 < int(match[3] or port) < 65_536:
        raise _wrong("give each server as HOST or HOST:PORT")
    return Address(match[1] or match[2], int(match[3] or port))


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"--backplane (HUBLINE_BACKPLANE) for Redis must {what}.")
