"""Sums of usage."""

from hub.chat.parts import NO_USAGE, Usage, sum_of


def usage(tokens: int, cost: float | None = None, *, estimated: bool = False) -> Usage:
    return Usage(
        input_tokens=tokens,
        output_tokens=2 * tokens,
        cache_read_tokens=3 * tokens,
        cache_write_tokens=4 * tokens,
        estimated=estimated,
        cost=cost,
    )


def test_nothing_is_no_usage() -> None:
    assert sum_of([]) == NO_USAGE


def test_all_is_added_and_one_estimate_makes_the_sum_one() -> None:
    assert sum_of([usage(1), usage(10, estimated=True)]) == usage(11, estimated=True)


def test_what_has_no_price_does_not_hide_what_has_one() -> None:
    assert sum_of([usage(1, 0.5), usage(1), usage(1, 0.25)]) == usage(3, 0.75)
    assert sum_of([usage(1), usage(1)]).cost is None
