"""What bounds the hosts of client tools."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HostLimits:
    """`grace_s`: how long a host whose connection ended may be back; `timeout_s`: of a call; `progress_s`: the least
    time between two reports of progress of a call; `look_s`: how long to wait before a store that was away is asked
    again."""

    grace_s: float = 30.0
    timeout_s: float = 300.0
    max_result_bytes: int = 256 * 1024
    progress_s: float = 0.1
    look_s: float = 0.5

    @property
    def grace_ms(self) -> int:
        return round(self.grace_s * 1000)

    @property
    def tick_s(self) -> float:
        """How often a call that waits is sent again, and its host is looked for."""
        return min(1.0, self.grace_s / 10)

    @property
    def beat_s(self) -> float:
        """How often a node says in the store that its hosts are there."""
        return self.grace_s / 5

    @property
    def settle_ms(self) -> int:
        """How long a call looks for its host at least, before it says that there is none."""
        return min(2_000, self.grace_ms)

    @property
    def silent_ms(self) -> int:
        """After how long without a beat a connection counts as ended."""
        return round(self.beat_s * 3000)
