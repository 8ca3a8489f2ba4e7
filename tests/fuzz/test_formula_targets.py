"""The formula policy under mutated input: the short form here, the long one nightly."""

import pytest

from tests.fuzz.formula_targets import TARGETS, run


@pytest.mark.parametrize("name", TARGETS)
def test_target_hides_nothing(name: str) -> None:
    run(name, seed=1, rounds=range(3_000))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TARGETS)
def test_target_for_long(name: str) -> None:
    run(name, seed=2, rounds=range(500_000))
