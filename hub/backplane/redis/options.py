"""What can be set about the Redis backplane. The defaults are for servers in the same data centre."""

import msgspec


class RedisOptions(msgspec.Struct, frozen=True, kw_only=True):
    retention_s: float = 30 * 86_400.0
    """How long a session in which nothing happens is kept."""

    lease_s: float = 6.0
    """The lease of the session's drivers: for this long after an outage nobody takes over what expired in it."""

    timeout_s: float = 2.0
    """How long a server may be silent while a command waits, or a probe is unheard; then it is taken as away."""

    start_timeout_s: float = 10.0
    """How long `start` tries to reach the servers."""

    retry_s: float = 0.05
    max_retry_s: float = 1.0
    """The wait before trying again, which doubles up to `max_retry_s`."""

    probe_s: float = 2.0
    """How often each server is probed, by a message to ourselves over the way that all take."""

    unsubscribe_after_s: float = 5.0
    """How long a channel that nobody here listens to any more stays subscribed."""

    max_unsent_bytes: int = 64 << 20
    """What may wait to be sent to one server. Over it calls raise `BackplaneAway`, and the bus loses messages."""

    max_tries: int = 64
    """How often a decision that others came between is made again."""
