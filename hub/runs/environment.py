"""What every run of a node shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.hooks.registry import Hooks
from hub.runs.answer.executing import Strays
from hub.runs.answer.sources import Source
from hub.runs.limits import RunLimits
from hub.runs.metrics import RunMetrics
from hub.runs.prices import Price
from hub.tools.base import Tools


@dataclass(frozen=True)
class RunEnvironment:
    """`now_ms` is milliseconds since 1970; `new_id` makes an id with a prefix, unique for ever.

    `fallbacks` are asked in turn while the chosen provider is down; `prices` and `windows` (in tokens)
    by model, see `hub.runs.prices`.
    """

    limits: RunLimits
    tools: Tools
    now_ms: Callable[[], int]
    new_id: Callable[[str], str]
    metrics: RunMetrics = field(default_factory=RunMetrics)
    fallbacks: Sequence[Source] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    strays: Strays = field(default_factory=Strays)
