"""Figures and how they are shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all are not above; infinite values (what never came) count."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ms(seconds: float) -> str:
    return "never" if math.isinf(seconds) else f"{seconds * 1000:.2f}"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median of the rounds, and their range."""
    if not values:
        return "-"
    return f"{median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


@dataclass
class Table:
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def text(self) -> str:
        """As Markdown, with columns that line up."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        shown = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        rule = "-|-".join("-" * width for width in widths)
        table = [f"| {shown[0]} |", f"|-{rule}-|", *(f"| {line} |" for line in shown[1:])]
        return "\n".join([f"## {self.title}", "", *table, *(f"\n{note}" for note in self.notes), ""])
