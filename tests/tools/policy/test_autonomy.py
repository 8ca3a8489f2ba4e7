"""The decision table of autonomy, whole."""

from itertools import product
from typing import get_args

import pytest

from hub.chat.parts import Access, Autonomy
from hub.tools.policy.autonomy import (
    LEVELS,
    Decision,
    NeedsApproval,
    Run,
    decide,
    is_higher,
    lower,
    may_choose,
    read_autonomy,
)
from hub.tools.policy.findings import Finding

FOUND = [Finding("$.formula", "network", "IMAGE", "IMAGE fetches")]


@pytest.mark.parametrize(
    ("mode", "access", "runs"),
    [
        ("ask", "read", False),
        ("ask", "write", False),
        ("agent-default", "read", True),
        ("agent-default", "write", False),
        ("agent-yolo", "read", True),
        ("agent-yolo", "write", True),
    ],
)
def test_decision_table(mode: Autonomy, access: Access, runs: bool) -> None:
    decision: Decision = decide(mode, access, [])
    assert isinstance(decision, Run) == runs
    if isinstance(decision, NeedsApproval):
        assert mode in decision.reason
        assert not decision.each_time


@pytest.mark.parametrize(("mode", "access"), [*product(get_args(Autonomy), get_args(Access))])
def test_a_finding_needs_approval_in_every_mode_and_each_time(mode: Autonomy, access: Access) -> None:
    assert decide(mode, access, FOUND) == NeedsApproval("$.formula: IMAGE fetches.", each_time=True)


def test_reason_names_three_findings_and_counts_the_rest() -> None:
    decision = decide("agent-yolo", "write", FOUND * 5)
    assert isinstance(decision, NeedsApproval)
    assert decision.reason.count("IMAGE fetches") == 3
    assert decision.reason.endswith("; and 2 more.")


def test_auto_is_another_word_for_agent_yolo() -> None:
    assert read_autonomy("auto") == "agent-yolo"
    assert [read_autonomy(mode) for mode in LEVELS] == list(LEVELS)
    assert read_autonomy("full-autonomy") is None


@pytest.mark.parametrize(("one", "other"), [*product(LEVELS, LEVELS)])
def test_modes_are_in_order_and_only_the_owner_raises(one: Autonomy, other: Autonomy) -> None:
    above = LEVELS.index(one) > LEVELS.index(other)
    assert is_higher(one, other) == above
    assert may_choose(one, other, is_owner=False) == (not above)
    assert may_choose(one, other, is_owner=True)
    assert lower(one, other) == (other if above else one)
