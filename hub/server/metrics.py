"""Counts of one node, as plain numbers; whoever exports them reads the attributes."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class ServerMetrics:
    """Only ever counts up, but for those that say "now"."""

    connections_now: int = 0
    connections_opened: int = 0
    connections_refused: int = 0
    requests_forwarded: int = 0
    requests_unanswered: int = 0
    handshakes_failed: int = 0
    reattached: int = 0
    invocations: int = 0
    invocations_failed: int = 0
    invocations_limited: int = 0
    streams_now: int = 0
    streams_opened: int = 0
    group_sends: int = 0
    records_fanned_out: int = 0
    slow_consumers: int = 0
    client_timeouts: int = 0
    tokens_expired: int = 0
    protocol_errors: int = 0


MEANING: Mapping[str, str] = {
    "connections_now": "Connections that are open.",
    "connections_opened": "Connections that were opened.",
    "connections_refused": "Requests to negotiate or connect that were refused.",
    "requests_forwarded": "Requests over HTTP that came here for connections of other nodes.",
    "requests_unanswered": "Requests for connections of other nodes that these did not answer in time.",
    "handshakes_failed": "Connections that were closed in their handshake.",
    "reattached": "Connections restored by a stateful reconnect.",
    "invocations": "Hub methods that clients invoked.",
    "invocations_failed": "Invocations that ended with an error.",
    "invocations_limited": "Invocations refused by a rate limit.",
    "streams_now": "Streams to clients that are open.",
    "streams_opened": "Streams to clients that were opened.",
    "group_sends": "Sends to groups, users and other audiences.",
    "records_fanned_out": "Records queued for connections by such sends.",
    "slow_consumers": "Connections cut because they did not take what waited for them.",
    "client_timeouts": "Connections cut because nothing was heard from them.",
    "tokens_expired": "Connections closed because their token had ended.",
    "protocol_errors": "Connections closed because of what they sent.",
}
"""What each number is, for people."""
