"""What can be set per hub, and per server. Names and defaults of `HubOptions` are .NET's, in Python spelling."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from hub.protocol.negotiate import TransportName


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a client shall negotiate instead (N5), and the token that it shall use there."""

    url: str
    access_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """The settings of one hub. Times in seconds, sizes in bytes."""

    handshake_timeout_s: float = 15.0
    keep_alive_s: float = 15.0
    """Pings when nothing was sent for this long (P1)."""
    client_timeout_s: float = 30.0
    """Of silence, once the client has sent its first ping (P2)."""
    max_receive_bytes: int = 32_768
    stream_buffer_capacity: int = 10
    """Items of one upload that wait for its method; when full, reading from that connection stops (C2)."""
    max_parallel_invocations: int = 1
    """Plain calls of one connection that run at once (C1)."""
    detailed_errors: bool = False
    transports: Collection[TransportName] = ("WebSockets", "ServerSentEvents", "LongPolling")
    """Offered in this order, which is the order in which clients try them. What is not here is answered with 404."""
    minimum_protocol_version: int = 0
    """Of negotiation; lower ones get an error (N4)."""
    redirect: Callable[[HTTPConnection], Redirect | None] | None = None
    """Asked at each negotiation, once the user is admitted."""
    allow_stateful_reconnects: bool = False
    """A client that asks for it keeps its connection over the loss of a WebSocket (signalr.md 1.6)."""
    stateful_reconnect_buffer_bytes: int = 100_000
    """Sent and not acknowledged; when full, streams wait (S3)."""
    disconnect_timeout_s: float = 15.0
    """How long a connection lives without a socket (S4), or without a poll."""
    poll_timeout_s: float = 90.0
    """A poll that finds nothing is answered after this long."""
    transport_send_timeout_s: float = 10.0
    """A client that takes nothing of what is sent to it for this long is cut (T2). Not while it is to poll."""
    transport_buffer_bytes: int = 65_536
    """What is ready for the next poll, before it counts as backlog (T2)."""
    max_body_bytes: int = 30_000_000
    """Of one POST; each message in it is held to `max_receive_bytes`."""
    protocols: Collection[str] = ("json", "messagepack")
    lax_arguments: bool = False
    """Convert between kinds as pydantic does by default ("3" for an int). Off: as System.Text.Json."""

    implicit_injection: bool = True
    """Fill in parameters of methods whose annotation is a provided type. Off, all of them come from the client."""

    outbox_max_bytes: int = 1_048_576
    """What may wait for one connection; a slow consumer over it is cut."""
    max_streams: int = 100
    """Streams, and calls that take uploads, of one connection at once."""
    max_queued_invocations: int = 100
    """Calls of one connection that wait for their turn; when reached, reading from it stops."""
    max_invocations_per_s: float = 1000.0
    """Of one connection, in the long run; 0 for no limit. Immediate methods are counted apart."""
    invocation_burst: int = 10_000
    """How many may come at once."""
    token_warning_s: float = 60.0
    """How long before its token ends a client is told (`TokenExpiring`)."""
    authentication_refresh: bool = True
    """Tell clients at negotiation how long their token lasts, and take newer ones at `{hub}/refresh` (N7)."""
    close_on_expiry: bool = True
    """Close a connection whose token has ended; off, it stays, and nobody is told."""
    close_timeout_s: float = 5.0
    """How long a closing connection waits for what still runs, and for its last bytes to leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """The settings of one node that bound all its hubs together. 0 means no limit."""

    tick_s: float = 1.0
    """The resolution of all timeouts (P1): one timer serves every connection."""
    ask_interval_s: float = 2.0
    """How long another node may take to say that it has a client that is asked for a result, and, while that one's
    answer is waited for, how often it is asked whether it still has it."""
    forward_timeout_s: float = 5.0
    """How long another node may be silent that a request over HTTP was forwarded to, since it has the connection; and
    how long the node that forwards may be, before its client counts as gone."""
    negotiated_lifetime_s: float = 15.0
    """How long a negotiated token waits for its connection."""
    max_negotiated: int = 10_000
    """Connections that began within that time, open or not."""
    max_connections: int = 0
    max_connections_per_user: int = 0
    max_connections_per_address: int = 0
    """An IPv6 address counts by its /64."""
    max_new_connections_per_s: float = 0.0
    """Negotiations and new connections of one address. Where a proxy is in front, all clients have its address."""
    new_connection_burst: int = 1000
    max_user_invocations_per_s: float = 5000.0
    """Of all connections of a user together, where users are told apart."""
    user_invocation_burst: int = 50_000
