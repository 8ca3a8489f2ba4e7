"""Rounds: each row in turn, several times over, so that what disturbs the machine disturbs all of them."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.peers.catalogue import PEERS
from tests.bench.wire.load import Measured, measure
from tests.bench.wire.peer import PeerMissing
from tests.bench.wire.rows import Row, RowFailed, Serving, hub_row, limit_row, peer_row
from tests.bench.wire.workloads import Workload

SHORT_PEERS = ("Node socket.io", "Node ws", "Starlette", "ASP.NET Core SignalR 3.1")
SPARE_PEER = "python-socketio"
"""In the short form, when the last of the four cannot be had."""
KEPT_SHARE = 0.97
"""Of the promised rate; a row that gives less was overloaded."""


@dataclass
class Outcome:
    """Of one row in one workload. `reason`: why there are no rounds, or fewer than were asked for."""

    row: str
    rounds: list[Measured] = field(default_factory=list)
    reason: str = ""


@dataclass
class Result:
    workload: Workload
    outcomes: dict[str, Outcome]

    def figure(self, row: str) -> float | None:
        outcome = self.outcomes.get(row)
        if outcome is None or not outcome.rounds:
            return None
        return median(map(self.workload.figure, outcome.rounds))

    def ratio(self, row: str, other: str) -> float | None:
        """Of the medians."""
        mine, theirs = self.figure(row), self.figure(other)
        return None if mine is None or theirs is None else mine / theirs


def rows(*, full: bool) -> list[Row]:
    """Those without their own reasons to be missing; who is missing shows that when it is started."""
    chosen = PEERS if full else [peer for peer in PEERS if peer.name in SHORT_PEERS]
    if not full:
        try:
            next(peer for peer in chosen if peer.name == SHORT_PEERS[-1]).prepare()
        except PeerMissing:
            chosen = [*chosen, next(peer for peer in PEERS if peer.name == SPARE_PEER)]
    return [limit_row(), hub_row(), *map(peer_row, chosen)]


def run(workload: Workload, chosen: Sequence[Row], *, rounds: int, seconds: float) -> Result:
    if workload.coalesces:
        chosen = [chosen[0], limit_row(coalesces=True), *chosen[1:]]
    outcomes = {row.name: Outcome(row.name) for row in chosen}
    act = _fresh_rounds if workload.fresh else _live_rounds
    act(workload, chosen, outcomes, rounds, seconds)
    print(".", end="", file=sys.stderr, flush=True)
    return Result(workload, outcomes)


def _live_rounds(
    workload: Workload, chosen: Sequence[Row], outcomes: dict[str, Outcome], rounds: int, seconds: float
) -> None:
    """All servers stay up; those that have no load have nothing to do."""
    with contextlib.ExitStack() as stack:
        live: dict[str, Serving] = {}
        for row in chosen:
            with _noting(outcomes[row.name]):
                live[row.name] = stack.enter_context(row.serve())
                # Thrown away; a slow server may need longer for the first one of all.
                measure(
                    live[row.name], workload.program, warm_s=row.warm_s, seconds=0.3, at_least=1, **workload.options
                )
        for _ in range(rounds):
            for row in chosen:
                outcome = outcomes[row.name]
                if not outcome.reason:
                    with _noting(outcome):
                        outcome.rounds.append(_measure(workload, live[row.name], 0.4, seconds))


def _fresh_rounds(
    workload: Workload, chosen: Sequence[Row], outcomes: dict[str, Outcome], rounds: int, seconds: float
) -> None:
    for _ in range(rounds):
        for row in chosen:
            outcome = outcomes[row.name]
            if not outcome.reason:
                with _noting(outcome), row.serve() as serving:
                    measure(serving, "idle", connections=200)  # what is made once, at the first connections
                    outcome.rounds.append(_measure(workload, serving, 0.0, seconds))


def _measure(workload: Workload, serving: Serving, warm_s: float, seconds: float) -> Measured:
    measured = measure(serving, workload.program, warm_s=warm_s, seconds=seconds, **workload.options)
    if measured.count < KEPT_SHARE * workload.promised * measured.seconds:
        raise RowFailed(f"overloaded: {measured.count / measured.seconds:,.0f} a second")
    return measured


@contextlib.contextmanager
def _noting(outcome: Outcome) -> Iterator[None]:
    """A row that fails says why, and the others go on."""
    try:
        yield
    except (RowFailed, PeerMissing, AssertionError, OSError) as failed:  # a hub that does not start is an assertion
        outcome.reason = str(failed) or type(failed).__name__
