"""One figure of all workloads, as SVG: each server's share of what the C send loop does."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tests.bench.wire.rounds import Result
from tests.bench.wire.rows import COALESCED, HUB, LIMIT

FIGURE = Path(__file__).parents[1] / "figures" / "wire.svg"

_LEFT, _WIDTH, _BAR, _GAP = 210, 520, 14, 30
_COLOURS = {HUB: "#0b6e4f", COALESCED: "#999999"}
_OTHERS = "#9db4c0"


def write(results: Mapping[str, Result], path: Path = FIGURE) -> None:
    """Workloads whose figure is better when it is lower, and those without a limit, are left out."""
    shown = [
        result
        for result in results.values()
        if not result.workload.lower_is_better and result.figure(LIMIT) is not None
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_svg(shown))


def _svg(results: Sequence[Result]) -> str:
    parts: list[str] = []
    top = 34
    for result in results:
        parts.append(_text(8, top, result.workload.title, weight="bold"))
        parts.append(_text(_LEFT + _WIDTH + 60, top, result.workload.unit, anchor="end"))
        top += 10
        ratios = {name: result.ratio(name, LIMIT) for name in result.outcomes if name != LIMIT}
        widest = max([1.0, *(ratio for ratio in ratios.values() if ratio is not None)])
        limit_x = _LEFT + _WIDTH / widest
        begin = top
        for name, ratio in ratios.items():
            parts += _bar(top, name, ratio, widest)
            top += _BAR + 4
        parts.append(
            f'<line x1="{limit_x:.1f}" y1="{begin}" x2="{limit_x:.1f}" y2="{top}" stroke="#c1121f" stroke-width="1.5"/>'
        )
        top += _GAP
    head = _text(8, 16, "Each server's share of the C send loop (red line = 1), per CPU-second; longer is better")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{top}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{head}{''.join(parts)}</svg>\n"
    )


def _bar(top: int, name: str, ratio: float | None, widest: float) -> Sequence[str]:
    base = top + _BAR - 3
    label = _text(_LEFT - 8, base, name, anchor="end")
    if ratio is None:
        return (label, _text(_LEFT + 4, base, "not measured"))
    width = max(1.0, _WIDTH * ratio / widest)
    colour = _COLOURS.get(name, _OTHERS)
    return (
        label,
        f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>',
        _text(round(_LEFT + width + 5), base, f"{ratio:.2f}"),
    )


def _text(x: int, y: int, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
