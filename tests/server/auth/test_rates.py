"""Buckets: how many at once, how many in the long run, and how much memory strangers can take."""

from hypothesis import given
from hypothesis import strategies as st

from hub.server.auth.rates import Bucket, InvocationLimit, KeyedRate, Rate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(Rate(10, 5))
    assert [bucket.take(0.0) for _ in range(5)] == [0.0] * 5
    assert 0 < bucket.take(0.0) <= 0.1
    assert bucket.take(0.1) == 0.0
    assert bucket.take(0.1) > 0


@given(st.lists(st.floats(0, 5), max_size=200), st.floats(0.5, 100), st.integers(1, 50))
def test_never_more_than_burst_and_rate_allow(pauses: list[float], per_s: float, burst: int) -> None:
    bucket, keyed, now, taken = Bucket(Rate(per_s, burst)), KeyedRate(Rate(per_s, burst)), 0.0, 0
    for pause in pauses:
        now += pause
        wait_s = bucket.take(now)
        assert (keyed.take("k", now) == 0) == (wait_s == 0)
        taken += wait_s == 0
        assert taken <= burst + now * per_s + 1e-6


def test_keys_do_not_share() -> None:
    rate = KeyedRate(Rate(1, 2))
    assert [rate.take("a", 0), rate.take("a", 0), rate.take("b", 0)] == [0, 0, 0]
    assert rate.take("a", 0) > 0
    assert rate.take("b", 0) == 0


def test_no_limit_keeps_nothing() -> None:
    rate = KeyedRate(Rate(0, 1))
    assert all(rate.take(str(number), 0) == 0 for number in range(100))
    assert len(rate) == 0


def test_strangers_cannot_fill_the_memory() -> None:
    rate = KeyedRate(Rate(0.001, 2), max_keys=1000)
    for number in range(100_000):
        assert rate.take(f"address-{number}", 0.0) == 0
        assert len(rate) <= 1000


def test_full_buckets_are_forgotten_first() -> None:
    rate = KeyedRate(Rate(1, 1), max_keys=10)
    rate.take("busy", 100.0)
    for number in range(9):
        rate.take(f"old-{number}", 0.0)
    rate.take("new", 100.0)
    assert len(rate) == 2
    assert rate.take("busy", 100.0) > 0


def test_stop_gets_through_when_others_are_over_the_limit() -> None:
    clock = Clock()
    limit = InvocationLimit(Rate(10, 3), KeyedRate(Rate(10, 100)), "ann", clock)
    assert [limit.wait_s(False) == 0 for _ in range(4)] == [True, True, True, False]
    assert [limit.wait_s(True) == 0 for _ in range(4)] == [True, True, True, False], "up to a bound"
    assert limit.hit == "max_invocations_per_s is 10"
    clock.now = 1.0
    assert limit.wait_s(False) == 0


def test_all_connections_of_a_user_share_a_limit() -> None:
    clock, users = Clock(), KeyedRate(Rate(10, 4))
    first, second = (InvocationLimit(Rate(1000, 1000), users, "ann", clock) for _ in range(2))
    assert [limit.wait_s(False) == 0 for limit in (first, second, first, second, first)] == [True] * 4 + [False]
    assert first.hit == "max_user_invocations_per_s is 10"
    assert first.wait_s(True) == 0
    assert InvocationLimit(Rate(1000, 1000), users, "bob", clock).wait_s(False) == 0
    assert InvocationLimit(Rate(0, 1), None, "", clock).wait_s(False) == 0
