"""The results as tables, one per workload, and beside the aims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.table import Table, spread
from tests.bench.wire.load import Measured
from tests.bench.wire.rounds import Result
from tests.bench.wire.rows import COALESCED, HUB, LIMIT
from tests.bench.wire.workloads import kb_per_connection

SOCKET_IO = "Node socket.io"
ASP_NET = "ASP.NET Core SignalR 3.1"


def table(result: Result) -> Table:
    """Ratios are of medians, and above 1 where a row does better than the limit, or the hub better than a row."""
    workload = result.workload
    is_idle = workload.program == "idle"
    more = ("KB per connection",) if is_idle else ("p50 ms", "p99 ms", "load generator, % of its core")
    built = Table(workload.title, ("server", workload.unit, "of C", "hub is x times it", *more, "not measured because"))
    for name, outcome in result.outcomes.items():
        rounds = outcome.rounds
        digits = 2 if workload.lower_is_better else 0
        built.add(
            name,
            spread([workload.figure(each) for each in rounds], digits),
            "-" if workload.lower_is_better else _times(result.ratio(name, LIMIT)),
            "-" if workload.lower_is_better and name == LIMIT else _times(_better(result, HUB, name)),
            *(_idle_cells(rounds) if is_idle else _cells(rounds)),
            outcome.reason,
        )
    ceiling = result.outcomes[LIMIT].rounds
    if ceiling and not is_idle:
        share = median(each.load_core for each in ceiling)
        built.notes.append(
            f"Ceiling: against {LIMIT} the load generator used {share:.0%} of its core"
            f" at {median(each.count / each.seconds for each in ceiling):,.0f} a second."
        )
    if workload.lower_is_better:
        built.notes.append(f"{LIMIT} spins until the next text is due, so its share says nothing.")
    return built


def _better(result: Result, row: str, other: str) -> float | None:
    return result.ratio(other, row) if result.workload.lower_is_better else result.ratio(row, other)


def _cells(rounds: Sequence[Measured]) -> Sequence[str]:
    return (
        spread([each.p50_ms for each in rounds], 2),
        spread([each.p99_ms for each in rounds], 2),
        spread([each.load_core * 100 for each in rounds], 0),
    )


def _idle_cells(rounds: Sequence[Measured]) -> Sequence[str]:
    return (spread([kb_per_connection(each) for each in rounds]),)


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


@dataclass(frozen=True)
class Aim:
    """`measured` None: it could not be. The figure must be at least the bound, or `at_most` it."""

    what: str
    bound: float
    measured: float | None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self.measured <= self.bound if self.at_most else self.measured >= self.bound:
            return "met"
        missed = self.measured / self.bound - 1 if self.at_most else 1 - self.measured / self.bound
        return f"missed by {missed:.0%}"


def aims(results: Mapping[str, Result], slow_ratio: float | None) -> Table:
    """Against the limit as it sends one frame per event, unless the row says so."""
    listed = [
        *_fan_out_aims(results),
        Aim("16 publishers: of Node socket.io", 15, _of(results, "publishers_16", SOCKET_IO)),
        Aim("200 streams, saturated: of C", 0.60, _of(results, "streams", LIMIT)),
        Aim("60,000 deliveries/s: share of the core", 0.45, _figure(results, "streams_paced"), at_most=True),
        Aim("60,000 deliveries/s: p99, ms", 1, _p99(results, "streams_paced"), at_most=True),
        Aim("invocations, 1 in flight: of C", 0.40, _of(results, "echo_1", LIMIT)),
        Aim("invocations, 1 in flight: of ASP.NET", 2.4, _of(results, "echo_1", ASP_NET)),
        Aim("invocations, 10 in flight: of C", 0.18, _of(results, "echo_10", LIMIT)),
        Aim("invocations, 10 in flight: of ASP.NET", 2.4, _of(results, "echo_10", ASP_NET)),
        Aim("idle connection, KB", 6, _kb(results), at_most=True),
        Aim("handshakes per CPU-second", 4500, _figure(results, "idle")),
        Aim("p99 of 200 beside one that never reads, of p99 without", 1.2, slow_ratio, at_most=True),
    ]
    built = Table("Aims", ("aim", "bound", "measured", ""))
    for aim in listed:
        measured = "-" if aim.measured is None else f"{aim.measured:,.2f}"
        built.add(aim.what, f"{'<=' if aim.at_most else '>='} {aim.bound:,g}", measured, aim.verdict)
    coalesced = _of(results, "publishers_16", COALESCED)
    if coalesced is not None:
        built.notes.append(f"16 publishers: {coalesced:.2f} of the C loop that coalesces, as the hub does.")
    return built


def _fan_out_aims(results: Mapping[str, Result]) -> Sequence[Aim]:
    return [
        Aim(f"fan-out to {count}: of {name}", bound, _of(results, key, row))
        for key, count in (("fanout_1000", "1,000"), ("fanout_5000", "5,000"))
        for name, bound, row in (("C", 0.80, LIMIT), ("Node socket.io", 2, SOCKET_IO), ("ASP.NET", 2.4, ASP_NET))
    ]


def _of(results: Mapping[str, Result], key: str, other: str) -> float | None:
    return results[key].ratio(HUB, other) if key in results else None


def _figure(results: Mapping[str, Result], key: str) -> float | None:
    return results[key].figure(HUB) if key in results else None


def _hub_rounds(results: Mapping[str, Result], key: str) -> Sequence[Measured]:
    return results[key].outcomes[HUB].rounds if key in results else ()


def _p99(results: Mapping[str, Result], key: str) -> float | None:
    rounds = _hub_rounds(results, key)
    return median(each.p99_ms for each in rounds) if rounds else None


def _kb(results: Mapping[str, Result]) -> float | None:
    rounds = _hub_rounds(results, "idle")
    return median(map(kb_per_connection, rounds)) if rounds else None
