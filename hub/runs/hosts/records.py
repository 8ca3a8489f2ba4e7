"""A session's hosts as they are stored beside it: pure changes of that list.

    registered ──its last connection ended──> left ──registered by its key──> registered
               ──its node died, no beats───┘  left ──the grace is over──> gone
    registered ──no tools any more──> gone

Times are milliseconds since 1970.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from hub.errors import CallError
from hub.tools.client_side import ClientTool, prefix_of

MAX_HOSTS = 8
MAX_CONNECTIONS = 16
"""Of one host; over it the oldest gets no calls any more."""


class Attached(msgspec.Struct, frozen=True, array_like=True):
    """A connection that has registered the host, and when its node last said that it is there."""

    connection_id: str
    seen_at: int


class StoredHost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host of tools. `connections` in the order in which they registered: the newest gets the calls. `left_at`: when
    the last one ended. `prefix` stands before the names of its tools, unless it was the first host."""

    host_id: str
    name: str
    user: str
    tools: Sequence[ClientTool]
    connections: Sequence[Attached] = ()
    left_at: int = 0
    prefix: str = ""
    document: str | None = None
    has_key: bool = False

    def last_seen_at(self) -> int:
        return max([self.left_at, *(one.seen_at for one in self.connections)])

    def newest(self, *, now: int, silent_ms: int) -> str | None:
        """The connection that gets calls."""
        alive = [one.connection_id for one in self.connections if now - one.seen_at <= silent_ms]
        return alive[-1] if alive else None

    def ended_at(self, connection_id: str, *, now: int, silent_ms: int) -> int | None:
        """When that connection ended, or was seen last; None while it is there. `now` if it is not known."""
        for one in self.connections:
            if one.connection_id == connection_id:
                return one.seen_at if now - one.seen_at > silent_ms else None
        return min(now, self.left_at) if self.left_at and not self.connections else now


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection announces. `host_id` is for a new host; with a key it is always the same (`host_id_of`)."""

    host_id: str
    name: str
    user: str
    connection_id: str
    tools: Sequence[ClientTool]
    document: str | None = None
    has_key: bool = False


Hosts = Sequence[StoredHost]


def host_id_of(session_id: str, created_at: int, user: str, name: str, host_key: str) -> str:
    """All that is kept of a host's secret: good for one user, one session and one name of a host."""
    digest = hashlib.sha256(msgspec.json.encode([session_id, created_at, user, name, host_key])).hexdigest()
    return f"host_{digest[:32]}"


def present(hosts: Hosts, *, now: int, grace_ms: int) -> list[StoredHost]:
    """Without those whose grace is over."""
    return [host for host in hosts if now - host.last_seen_at() <= grace_ms]


def register(hosts: Hosts, wanted: Registration, *, now: int, grace_ms: int) -> tuple[list[StoredHost], str]:
    """The hosts with this one, and its id. Raises `too_large`."""
    there = present(hosts, now=now, grace_ms=grace_ms)
    attached = Attached(wanted.connection_id, now)
    old = _find(there, wanted)
    if old is None:
        if len(there) >= MAX_HOSTS:
            text = f"The session has {len(there)} hosts, and may have {MAX_HOSTS}. Close one of them."
            raise CallError("too_large", text)
        old = StoredHost(
            host_id=wanted.host_id,
            name=wanted.name,
            user=wanted.user,
            tools=(),
            prefix=prefix_of(wanted.name, [host.prefix for host in there]) if there else "",
            has_key=wanted.has_key,
        )
        there.append(old)
    # Without a key nobody is the host that left, though it takes its place and its tools' names.
    is_same = wanted.has_key or bool(old.connections)
    others = [one for one in old.connections if one.connection_id != wanted.connection_id]
    new = msgspec.structs.replace(
        old,
        host_id=old.host_id if is_same else wanted.host_id,
        tools=wanted.tools,
        document=wanted.document,
        connections=[*others, attached][-MAX_CONNECTIONS:],
        left_at=0,
    )
    return [new if host is old else host for host in there], new.host_id


def _find(hosts: Hosts, wanted: Registration) -> StoredHost | None:
    """The host that is registered once more: by its key; or, without one, by its name from the same connection, or
    after its connection has ended."""
    if wanted.has_key:
        return next((host for host in hosts if host.host_id == wanted.host_id), None)
    for host in hosts:
        if (host.user, host.name, host.has_key) == (wanted.user, wanted.name, False):
            connections = {one.connection_id for one in host.connections}
            if not connections or wanted.connection_id in connections:
                return host
    return None


def beaten(hosts: Hosts, here: Sequence[Registration], *, now: int, grace_ms: int) -> list[StoredHost]:
    """After a node said which connections it has; what the store has lost is there again."""
    seen = {(one.host_id, one.connection_id) for one in here}
    known = {(host.host_id, one.connection_id) for host in hosts for one in host.connections}
    after = [
        msgspec.structs.replace(
            host,
            connections=[
                Attached(one.connection_id, now) if (host.host_id, one.connection_id) in seen else one
                for one in host.connections
                if now - one.seen_at <= grace_ms or (host.host_id, one.connection_id) in seen
            ],
            left_at=host.last_seen_at() if host.connections else host.left_at,
        )
        for host in hosts
    ]
    after = [msgspec.structs.replace(host, left_at=0) if host.connections else host for host in after]
    for one in here:
        if (one.host_id, one.connection_id) not in known:
            after, _ = register(after, one, now=now, grace_ms=grace_ms)
    return present(after, now=now, grace_ms=grace_ms)


def left(hosts: Hosts, connection_id: str, *, now: int, host_id: str | None = None) -> list[StoredHost]:
    """After a connection has ended; with `host_id`, it has withdrawn that host, which is gone if nobody else has it."""
    after = []
    for host in hosts:
        others = [one for one in host.connections if one.connection_id != connection_id]
        if len(others) == len(host.connections) or host_id not in (None, host.host_id):
            after.append(host)
        elif others or host_id is None:
            after.append(msgspec.structs.replace(host, connections=others, left_at=0 if others else now))
    return after
