"""The decision table of autonomy (design, section 3.6): which calls run, and which are asked about."""

from collections.abc import Sequence
from typing import get_args

import msgspec

from hub.chat.parts import Access, Autonomy
from hub.tools.policy.findings import Finding

LEVELS: tuple[Autonomy, ...] = get_args(Autonomy)
"""From the least autonomy to the most."""

ALIASES: dict[str, Autonomy] = {"auto": "agent-yolo"}
MAX_NAMED = 3
"""How many findings one reason spells out."""


class Run(msgspec.Struct, frozen=True):
    """The call may run."""


class NeedsApproval(msgspec.Struct, frozen=True):
    """The call waits for a user. `reason` is for them to read.

    `each_time`: what was found in these very arguments needs the approval, so one given earlier for the run or the
    session does not cover it.
    """

    reason: str
    each_time: bool = False


Decision = Run | NeedsApproval


def decide(mode: Autonomy, access: Access, findings: Sequence[Finding]) -> Decision:
    """Whether a call may run. `findings` are `check_arguments`' of the arguments that would run, edits included."""
    if findings:
        return NeedsApproval(_reason(findings), each_time=True)
    match mode, access:
        case "agent-yolo", _:
            return Run()
        case "agent-default", "read":
            return Run()
        case "agent-default", _:
            return NeedsApproval("In the mode agent-default, tools that write need approval.")
        case _:
            return NeedsApproval("In the mode ask, every tool call needs approval.")


def read_autonomy(word: str) -> Autonomy | None:
    """The mode that a client means, by its name or its alias; None for another word."""
    known = ALIASES.get(word, word)
    return next((mode for mode in LEVELS if mode == known), None)


def is_higher(mode: Autonomy, than: Autonomy) -> bool:
    """Whether `mode` asks less than `than`."""
    return LEVELS.index(mode) > LEVELS.index(than)


def lower(one: Autonomy, other: Autonomy) -> Autonomy:
    """The mode of the two that asks more."""
    return other if is_higher(one, other) else one


def may_choose(wanted: Autonomy, current: Autonomy, *, is_owner: bool) -> bool:
    """Anyone who may write may lower the autonomy; only the owner may raise it (design, section 3.3)."""
    return is_owner or not is_higher(wanted, current)


def _reason(findings: Sequence[Finding]) -> str:
    named = "; ".join(f"{finding.path}: {finding.reason}" for finding in findings[:MAX_NAMED])
    more = len(findings) - MAX_NAMED
    return f"{named}{f'; and {more} more' if more > 0 else ''}."
