"""Metrics for Prometheus: what the rooms count, in its text format."""

from collections.abc import Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "hubline_"
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Numbers(Collector):
    """Plain attributes of an object, which the hot path counts up without a lock, as metrics.

    `meaning` says what each one is; names that end in `_now` go up and down, the others only up.
    """

    def __init__(self, counted: object, meaning: Mapping[str, str]) -> None:
        self._counted = counted
        self._meaning = meaning

    def collect(self) -> Iterable[Metric]:
        for name, text in self._meaning.items():
            value = getattr(self._counted, name)
            if name.endswith("_now"):
                yield GaugeMetricFamily(PREFIX + name.removesuffix("_now"), text, value)
            else:
                yield CounterMetricFamily(PREFIX + name, text, value)


def registry(*collectors: Collector) -> CollectorRegistry:
    """A node's metrics: those of its rooms, and of its process."""
    found = CollectorRegistry()
    ProcessCollector(registry=found)
    for each in collectors:
        found.register(each)
    return found


def exposition(of: CollectorRegistry) -> bytes:
    return generate_latest(of)
