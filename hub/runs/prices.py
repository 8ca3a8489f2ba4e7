"""What answers cost, by the table of the setting `prices`, and how large models' windows are."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from hub.chat.parts import Usage

TOKENS = 1_000_000
"""How many tokens prices are for."""

T = TypeVar("T")


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens. `cache_read` and `cache_write` cost as input where nothing is said of them."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    def of(self, usage: Usage) -> float:
        """Dollars."""
        cache_read = self.input if self.cache_read is None else self.cache_read
        cache_write = self.input if self.cache_write is None else self.cache_write
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * cache_read
            + usage.cache_write_tokens * cache_write
        ) / TOKENS


def priced(usage: Usage, prices: Mapping[str, Price], provider: str, model: str) -> Usage:
    """The usage with its cost, which stays unknown if the table does not have the model."""
    price = entry(prices, provider, model)
    return usage if price is None else msgspec.structs.replace(usage, cost=round(price.of(usage), 9))


def entry(table: Mapping[str, T], provider: str, model: str) -> T | None:
    """What a table of models says of one: under `PROVIDER/MODEL`, under `MODEL`, or under the first pattern that fits
    one of them (`claude-*`)."""
    names = (f"{provider}/{model}", model)
    for name in names:
        if name in table:
            return table[name]
    return next((value for pattern, value in table.items() if any(fnmatchcase(name, pattern) for name in names)), None)
