"""The program that draws one chart: JSON (`Chart`) on its standard input, a PNG on its standard output.

It is run by its path, with matplotlib and nothing of ours. Texts are drawn as they are: no mathematics, no TeX.
"""

import io
import json
import math
import re
import sys
import unicodedata
import warnings
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypedDict

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import Formatter, MaxNLocator

WIDTH_IN, HEIGHT_IN, DOTS_PER_IN = 8.0, 5.0, 150  # 1200 by 750
MAX_TITLE_LINE = 58
MAX_LABEL = 24
MAX_NAME = 32
MAX_TICKS = 40
"""Names below an axis; of more, every second, third … is written."""
UPRIGHT_CHARACTERS = 90
"""So many fit side by side below an axis; more are turned."""
LEGEND_WIDTH = 100
MAX_COLUMNS = 4
MIN_PLACES = 4
"""Few bars are not as wide as the chart."""
MARKED_POINTS = 40
WIDE = frozenset("MW@%mwШЩЖЮшщжю")
SMALL_SLICE = 0.05

# Okabe and Ito's colours, which people who see few of them can tell apart; for yellow, pale on white, a dark one.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#555555", "#8A7A00")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, FAINT = "#222222", "#D9D9D9"

# What matplotlib brings has Latin, Greek and Cyrillic letters; others are drawn if the system has one of these.
FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "WenQuanYi Zen Hei")


class Series(TypedDict):
    """One of a chart; None is a gap."""

    name: str
    values: list[float | None]


class Chart(TypedDict):
    """What is drawn. Labels that are all numbers are places on the axis of a line or scatter chart, else names."""

    kind: str
    title: str
    labels: list[str | float]
    series: list[Series]
    x_label: str
    y_label: str


class Numbers(Formatter):
    """Ticks in plain digits with as many decimals as tell them apart; in powers of ten where those were too long."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        largest = max(map(abs, values), default=0.0)
        steps = [abs(after - before) for before, after in pairwise(values) if after != before]
        step = min(steps, default=largest) or 1.0
        if largest and not (step >= 1e-6 and largest < 1e12):
            told_apart = len(set(values))
            digits = next(many for many in range(3, 18) if len({f"{value:.{many}g}" for value in values}) == told_apart)
            return [re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.{digits}g}") for value in values]
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        while decimals < 8 and any(abs(round(value, decimals) - value) > step / 1000 for value in values):
            decimals += 1
        thousands = "," if largest >= 10_000 else ""  # a year has none
        return [f"{value:{thousands}.{decimals}f}" for value in values]


def png(chart: Chart) -> bytes:
    """The chart, 1200 by 750 points."""
    matplotlib.rcdefaults()  # whatever a file of this machine's user says
    names = set(fontManager.get_font_names())
    style = {
        "text.parse_math": False,
        "font.family": ["DejaVu Sans", *(font for font in FONTS if font in names)],
        "font.size": 10,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.formatter.useoffset": False,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with warnings.catch_warnings(), matplotlib.rc_context(style):  # type: ignore[arg-type]  # its keys are a Literal of 300 names
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # it is drawn as a box
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
        axes: Axes = figure.subplots()
        if title := shown(chart["title"], 2 * MAX_TITLE_LINE):
            figure.suptitle(_in_lines(title), fontsize=13, fontweight="bold")
        if chart["kind"] == "pie":
            _pie(figure, axes, chart)
        else:
            _axes(figure, axes, chart)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=DOTS_PER_IN, metadata={"Software": None})
    return out.getvalue()


def shown(text: str, max_width: int) -> str:
    """In one line, without characters that nobody sees or that turn the writing; cut with an ellipsis. `max_width` is
    in small letters."""
    line = "".join(" " if char.isspace() else char for char in text)
    line = "".join(char for char in line if unicodedata.category(char)[0] != "C").strip()
    if width(line) <= max_width:
        return line
    sums = accumulate(map(width, line))
    return line[: sum(so_far <= max_width - 1 for so_far in sums)].rstrip() + "…"


def _in_lines(title: str) -> str:
    words = title.split()
    first = 1
    while first < len(words) and width(" ".join(words[: first + 1])) <= MAX_TITLE_LINE:
        first += 1
    lines = " ".join(words[:first]), " ".join(words[first:])
    return "\n".join(shown(line, MAX_TITLE_LINE) for line in lines if line)


def width(text: str) -> float:
    """About how wide it is, in small letters."""
    return sum(1.8 if unicodedata.east_asian_width(char) in "WF" or char in WIDE else 1.0 for char in text)


def _axes(figure: Figure, axes: Axes, chart: Chart) -> None:
    labels, series = chart["labels"], chart["series"]
    numbers = [float(label) for label in labels if not isinstance(label, str)]
    is_by_number = chart["kind"] != "bar" and len(numbers) == len(labels)
    places = numbers if is_by_number else [float(index) for index in range(len(labels))]
    axes.grid(axis="both" if chart["kind"] == "scatter" else "y", color=FAINT, linewidth=0.8)
    for index, one in enumerate(series):
        values = [math.nan if value is None else value for value in one["values"]]
        _series(axes, chart["kind"], index, len(series), places, values, shown(one["name"], MAX_NAME))
    _zero(axes, [value for one in series for value in one["values"] if value is not None])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(Numbers())
    if is_by_number:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(Numbers())
    else:
        _names(axes, labels)
    axes.set_xlabel(shown(chart["x_label"], 2 * MAX_NAME))
    axes.set_ylabel(shown(chart["y_label"], MAX_NAME))
    if len(series) > 1:
        longest = max(width(shown(one["name"], MAX_NAME)) for one in series)
        columns = max(1, min(len(series), MAX_COLUMNS, int(LEGEND_WIDTH / (longest + 8))))
        figure.legend(loc="outside lower center", ncols=columns, frameon=False)


def _series(
    axes: Axes, kind: str, index: int, count: int, places: Sequence[float], values: Sequence[float], name: str
) -> None:
    colour = COLOURS[index % len(COLOURS)]
    marker = MARKERS[index % len(MARKERS)]
    match kind:
        case "bar":
            width = 0.8 / count
            middles = [place + (index - (count - 1) / 2) * width for place in places]
            axes.bar(middles, values, width, color=colour, label=name)
        case "line":
            is_alone = sum(not math.isnan(value) for value in values) <= MARKED_POINTS
            dash = DASHES[index // 2 % len(DASHES)]
            axes.plot(places, values, dash, color=colour, marker=marker if is_alone else "", markersize=4, label=name)
        case _:
            axes.scatter(places, values, s=22, color=colour, marker=marker, linewidths=0, label=name)


def _zero(axes: Axes, values: Sequence[float]) -> None:
    if min(values) < 0:
        axes.axhline(0, color=INK, linewidth=0.8)
    if not any(values):
        axes.set_ylim(0, 1)


def _names(axes: Axes, labels: Sequence[str | float]) -> None:
    every = math.ceil(len(labels) / MAX_TICKS)
    places = list(range(0, len(labels), every))
    names = [shown(label if isinstance(label, str) else f"{label:g}", MAX_LABEL) for label in labels[::every]]
    longest = max(map(len, names), default=0)
    if (longest + 2) * len(names) <= UPRIGHT_CHARACTERS:
        axes.set_xticks(places, names)
    elif len(names) <= 16:
        axes.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(places, names, rotation=90, fontsize=8)
    spare = max(0.0, (MIN_PLACES - len(labels)) / 2)
    axes.set_xlim(-0.6 - spare, len(labels) - 0.4 + spare)


def _pie(figure: Figure, axes: Axes, chart: Chart) -> None:
    """The legend says what each slice is: beside the slices, small ones would write over each other."""
    values = [value or 0.0 for value in chart["series"][0]["values"]]
    whole = math.fsum(values)
    shares = [value / whole for value in values]
    drawn = axes.pie(
        shares,
        colors=[COLOURS[index % len(COLOURS)] for index in range(len(shares))],
        hatch=["" if index < len(COLOURS) else "//" for index in range(len(shares))],
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.5},
        labels=[f"{share:.0%}" if share >= SMALL_SLICE else "" for share in shares],
        labeldistance=0.72,
        textprops={"color": "white", "ha": "center", "va": "center", "fontweight": "bold"},
    )
    written = Numbers()
    names = [shown(label if isinstance(label, str) else f"{label:g}", MAX_NAME) for label in chart["labels"]]
    entries = [
        f"{name}: {written(value)} ({share:.1%})" for name, value, share in zip(names, values, shares, strict=True)
    ]
    figure.legend(drawn[0], entries, loc="outside right center", frameon=False)


def main() -> None:
    """Draw what comes in."""
    chart: Chart = json.load(sys.stdin)
    sys.stdout.buffer.write(png(chart))


if __name__ == "__main__":
    main()
