"""Counts of one node, as plain numbers; whoever exports them reads the attributes."""

from dataclasses import dataclass


@dataclass(slots=True)
class ServerMetrics:
    """Only ever counts up, but for those that say "now"."""

    connections_now: int = 0
    connections_opened: int = 0
    connections_refused: int = 0
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
