"""What the nodes that drive a session and those that have its hosts tell each other over the bus.

MessagePack arrays, by their first element. New elements come last; readers ignore elements and kinds that they do not
know. Any of them may be lost: what must not be is claimed and answered in the inbox, and asked for again.
"""

import msgspec


class Execute(msgspec.Struct, frozen=True, array_like=True, tag="execute"):
    """Whoever has this connection of the host: claim the call, and send it there. `arguments` is JSON; `created_at` is
    the session's."""

    host_id: str
    connection_id: str
    call_id: str
    run_id: str
    created_at: int
    attempt: int
    name: str
    arguments: bytes
    timeout_s: float


class Over(msgspec.Struct, frozen=True, array_like=True, tag="over"):
    """The call has ended. With a reason its host is told to give up."""

    call_id: str
    host_id: str
    reason: str | None


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="changed"):
    """A host has come or gone: look at the stored ones."""


class Progressed(msgspec.Struct, frozen=True, array_like=True, tag="progress"):
    """How far a call is."""

    call_id: str
    fraction: float | None
    note: str | None


ToHosts = Execute | Over
ToDrivers = Changed | Progressed

_encoder = msgspec.msgpack.Encoder()
_to_hosts: msgspec.msgpack.Decoder[ToHosts] = msgspec.msgpack.Decoder(ToHosts)
_to_drivers: msgspec.msgpack.Decoder[ToDrivers] = msgspec.msgpack.Decoder(ToDrivers)


def hosts_channel(session_id: str) -> str:
    """What the nodes with hosts of a session listen to."""
    return f"session:{session_id}:hosts"


def drivers_channel(session_id: str) -> str:
    """What the node that waits for a call listens to."""
    return f"session:{session_id}:hosted"


def encode(said: ToHosts | ToDrivers) -> bytes:
    return _encoder.encode(said)


def to_hosts(raw: bytes) -> ToHosts | None:
    """None for what a newer node says and this one does not know."""
    try:
        return _to_hosts.decode(raw)
    except msgspec.DecodeError:
        return None


def to_drivers(raw: bytes) -> ToDrivers | None:
    """As `to_hosts`."""
    try:
        return _to_drivers.decode(raw)
    except msgspec.DecodeError:
        return None
