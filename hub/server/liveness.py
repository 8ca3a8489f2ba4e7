"""Whether a connection's client is there and takes what it gets (signalr.md 1.4: P1, P2, T2). Times only, no I/O."""

from hub.server.options import HubOptions
from hub.server.outbox import Outbox


class Liveness:
    """Of one connection after its handshake. `now` is the coarse clock of `timers.Wheel`."""

    __slots__ = ("_drained", "_heard_at", "_moved_at", "_options", "_sent_at", "has_heard")

    def __init__(self, options: HubOptions, now: float) -> None:
        self._options = options
        self.has_heard = False  # something came since the last tick; whoever receives sets it
        self._sent_at = now  # of the tick after the last send
        self._heard_at: float | None = None  # of the tick after the last message; None until the first ping (P2)
        self._drained = 0  # the outbox's, at the last tick
        self._moved_at = now  # of the tick after the client last took something, or had nothing to take

    def pinged(self, now: float) -> None:
        """The client pings: from the first one on its silence counts."""
        if self._heard_at is None:
            self._heard_at = now

    def restart(self, now: float) -> None:
        """By another socket."""
        self._sent_at = self._moved_at = now
        if self._heard_at is not None:
            self._heard_at = now

    def is_silent(self, now: float, is_excused: bool) -> bool:
        """For each tick: over `client_timeout_s`. Not while the silence is ours, which `is_excused` says."""
        if self._heard_at is not None:
            if self.has_heard or is_excused:
                self._heard_at = now
            elif now - self._heard_at >= self._options.client_timeout_s:
                return True
        self.has_heard = False
        return False

    def wants_ping(self, now: float, outbox: Outbox) -> bool:
        """For each tick: nothing was sent for `keep_alive_s`, and what is sent can leave."""
        if outbox.sent:
            outbox.sent = False
            self._sent_at = now
            return False
        return now - self._sent_at >= self._options.keep_alive_s and not outbox.is_stuck

    def is_stuck(self, now: float, outbox: Outbox) -> bool:
        """For each tick: the client has taken nothing of what waits for it for `transport_send_timeout_s`."""
        if not outbox.is_stuck or outbox.drained != self._drained:
            self._drained = outbox.drained
            self._moved_at = now
            return False
        return now - self._moved_at >= self._options.transport_send_timeout_s
