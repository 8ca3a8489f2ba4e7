"""How often something may happen: one number per key, whatever the rate.

A bucket of `burst` drops that fills with `per_s` drops a second, kept as the time at which it is full again (the
generic cell rate algorithm). Full buckets are forgotten.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

MAX_KEYS = 20_000
"""Rule for when it is full: the bucket that was begun first is forgotten, in favour of whom it belonged to."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_s` of 0 is no limit."""

    per_s: float
    burst: int

    @property
    def drop_s(self) -> float:
        return 1 / self.per_s

    @property
    def depth_s(self) -> float:
        """How far ahead of now a bucket may be and still give a drop."""
        return max(0, self.burst - 1) / self.per_s


class Bucket:
    """Of one key, for the hot path. Times are of any clock, in seconds."""

    __slots__ = ("_depth_s", "_drop_s", "_full_at")

    def __init__(self, rate: Rate) -> None:
        """The rate must not be 0."""
        self._drop_s = rate.drop_s
        self._depth_s = rate.depth_s
        self._full_at = float("-inf")

    def take(self, now: float) -> float:
        """0 if there was a drop, else the seconds until there will be one."""
        full_at = self._full_at if self._full_at > now else now
        wait_s = full_at - now - self._depth_s
        if wait_s > 1e-9:
            return wait_s
        self._full_at = full_at + self._drop_s
        return 0.0


class KeyedRate:
    """A bucket for each key."""

    def __init__(self, rate: Rate, max_keys: int = MAX_KEYS) -> None:
        self.per_s = rate.per_s
        self._is_off = not rate.per_s
        self._drop_s = 0.0 if self._is_off else rate.drop_s
        self._depth_s = 0.0 if self._is_off else rate.depth_s
        self._max_keys = max_keys
        self._full_at: dict[str, float] = {}  # in the order of their beginning

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """0 if there was a drop, else the seconds until there will be one."""
        if self._is_off:
            return 0.0
        full_at = self._full_at.get(key)
        if full_at is None:
            if len(self._full_at) >= self._max_keys:
                self._make_room(now)
            full_at = now
        elif full_at < now:
            full_at = now
        wait_s = full_at - now - self._depth_s
        if wait_s > 1e-9:
            return wait_s
        self._full_at[key] = full_at + self._drop_s
        return 0.0

    def _make_room(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= self._max_keys:
            # A tenth at once: a flood of new keys must not sweep all of them for each.
            for key in list(self._full_at)[: max(1, self._max_keys // 10)]:
                del self._full_at[key]


class InvocationLimit:
    """How often one connection may invoke. Immediate methods (Stop above all) have a bucket of their own, so that
    they get through when the others are over the limit; all connections of a user share one more for those others."""

    __slots__ = ("_clock", "_immediate", "_ordinary", "_rate", "_user_key", "_user_rate", "hit", "is_any")

    def __init__(
        self,
        rate: Rate,
        user_rate: KeyedRate | None = None,
        user_key: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hit = ""
        """The name and number of the limit for which the last call was refused."""
        self._rate = rate
        self._ordinary = Bucket(rate) if rate.per_s else None
        self._immediate = Bucket(rate) if rate.per_s else None
        self._user_rate = user_rate  # None where there is no limit
        self._user_key = user_key
        self._clock = clock
        self.is_any = self._ordinary is not None or user_rate is not None

    def wait_s(self, immediate: bool) -> float:
        """0 if it may go ahead, which counts it; else the seconds until it may."""
        bucket = self._immediate if immediate else self._ordinary
        now = self._clock()
        if bucket is not None and (wait_s := bucket.take(now)):
            self.hit = f"max_invocations_per_s is {self._rate.per_s:g}"
            return wait_s
        if immediate or self._user_rate is None:
            return 0.0
        if wait_s := self._user_rate.take(self._user_key, now):
            self.hit = f"max_user_invocations_per_s is {self._user_rate.per_s:g}"
        return wait_s
