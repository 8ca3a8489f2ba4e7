"""What a node measures of the runs that it drives and the watches that it serves."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from hub.chat import events

_FIRST_DELTA_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60)
_RUN_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_STOP_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
_TOOL_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)


class RunMetrics:
    """`registry` is a collector of all of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._runs = Counter(
            "hubline_runs",
            "Answers that ended, by outcome and provider error.",
            ("outcome", "error"),
            registry=self.registry,
        )
        self._first_delta = Histogram(
            "hubline_first_delta_seconds",
            "From a run's start to the first delta of its answer.",
            buckets=_FIRST_DELTA_S,
            registry=self.registry,
        )
        self._duration = Histogram(
            "hubline_run_seconds", "From a run's start to its end.", buckets=_RUN_S, registry=self.registry
        )
        self._tools = Histogram(
            "hubline_tool_call_seconds",
            "Tool calls that ended, by outcome, and how long they took.",
            ("outcome",),
            buckets=_TOOL_S,
            registry=self.registry,
        )
        self._stops = Histogram(
            "hubline_stop_seconds",
            "From a stop's arrival at the driving node to the closed stream of the provider.",
            buckets=_STOP_S,
            registry=self.registry,
        )
        self._follows = Counter(
            "hubline_follows",
            "Times that a watch caught up, by what it was sent: a snapshot, or the entries after its position.",
            ("kind",),
            registry=self.registry,
        )
        self._cached = Counter(
            "hubline_cached_answers", "Answers that were given from the cache.", registry=self.registry
        )
        self._seen: dict[type[events.Event], Callable[..., None]] = {
            events.Done: self._done,
            events.Notice: self._notice,
            events.ToolComplete: self._tool_complete,
        }

    def note(self, event: events.Event) -> None:
        """Count what this event says."""
        if (count := self._seen.get(type(event))) is not None:
            count(event)

    def stopped(self, seconds: float) -> None:
        self._stops.observe(seconds)

    def followed(self, kind: str) -> None:
        self._follows.labels(kind).inc()

    def _done(self, done: events.Done) -> None:
        self._runs.labels(done.outcome, "" if done.error is None else done.error.code).inc()
        self._duration.observe(done.timing.total_ms / 1000)
        if done.timing.first_delta_ms is not None:
            self._first_delta.observe(done.timing.first_delta_ms / 1000)

    def _notice(self, notice: events.Notice) -> None:
        if notice.code == "cached":
            self._cached.inc()

    def _tool_complete(self, call: events.ToolComplete) -> None:
        self._tools.labels(call.outcome).observe(call.duration_ms / 1000)
