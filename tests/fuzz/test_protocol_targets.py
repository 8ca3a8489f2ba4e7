"""Every parser of hub/protocol under mutated input: the short form here, the long one nightly."""

import pytest

from tests.fuzz.protocol_targets import TARGETS, run


@pytest.mark.parametrize("name", TARGETS)
def test_target_ends_only_in_documented_outcomes(name: str) -> None:
    run(name, seed=1, rounds=range(20_000))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TARGETS)
def test_target_for_long(name: str) -> None:
    run(name, seed=2, rounds=range(1_000_000))
