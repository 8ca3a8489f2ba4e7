"""What is drawn: looked at by its pixels, since nobody looks at it here."""

import io
import random
from itertools import pairwise

import pytest
from PIL import Image, ImageColor

from hub.tools.charts.picture import COLOURS, Chart, Numbers, png, shown

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
RAMP: list[float | None] = [1e12 * place for place in range(500)]
HOSTILE = "<script>$\\frac{1}{0}$\0\x1b[31m \u202egnp.exe \ud83d %s {x} \\input{/etc/passwd} 日本 🎈\n\n"


def chart(
    kind: str, labels: list[str] | list[float], *values: list[float | None], title: str = "", name: str = "Series"
) -> Chart:
    return {
        "kind": kind,
        "title": title,
        "labels": list(labels),
        "series": [{"name": f"{name} {index}", "values": one} for index, one in enumerate(values)],
        "x_label": "",
        "y_label": "",
    }


def drawn(wanted: Chart) -> Image.Image:
    """The picture, which has its size and a white margin: nothing runs over its edge."""
    image = Image.open(io.BytesIO(png(wanted))).convert("RGB")
    assert image.size == (1200, 750)
    inside = image.crop((6, 6, 1194, 744))
    margin = Image.new("RGB", image.size, "white")
    margin.paste(inside, (6, 6))
    assert margin.tobytes() == image.tobytes(), "something runs over the edge"
    return image


def amounts(image: Image.Image, colours: int) -> list[int]:
    """How many points each of the first colours has."""
    found = {colour: count for count, colour in image.getcolors(1 << 24) or ()}
    return [found.get(ImageColor.getrgb(colour)[:3], 0) for colour in COLOURS[:colours]]


def test_bars_are_as_long_as_their_values() -> None:
    one, two, four = amounts(drawn(chart("bar", ["all"], [100.0], [200.0], [400.0])), 3)
    assert one > 5_000
    assert two / one == pytest.approx(2, rel=0.1)
    assert four / one == pytest.approx(4, rel=0.1)


def test_bars_below_zero_hang_from_the_line() -> None:
    image = drawn(chart("bar", ["up", "down"], [50.0, -50.0]))
    blue = ImageColor.getrgb(COLOURS[0])
    columns = {x: [y for y in range(750) if image.getpixel((x, y)) == blue] for x in range(0, 1200, 5)}
    up, down = (next(rows for x, rows in sorted(columns.items(), reverse=last) if rows) for last in (False, True))
    assert max(up) <= min(down) + 4


def test_slices_are_as_large_as_their_shares() -> None:
    most, least = amounts(drawn(chart("pie", ["most", "least"], [300.0, 100.0])), 2)
    assert most / least == pytest.approx(3, rel=0.15)


@pytest.mark.parametrize("kind", ["line", "scatter"])
def test_each_series_is_seen(kind: str) -> None:
    values: list[list[float | None]] = [[level + step % 3 for step in range(6)] for level in range(0, 80, 10)]
    labels: list[str] | list[float] = MONTHS if kind == "line" else [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]
    assert min(amounts(drawn(chart(kind, labels, *values)), 8)) > 20


def test_a_gap_is_none() -> None:
    whole = amounts(drawn(chart("line", MONTHS, [1.0] * 6)), 1)[0]
    with_gap = amounts(drawn(chart("line", MONTHS, [1.0, 1.0, 1.0, None, 1.0, 1.0])), 1)[0]
    assert 0 < with_gap < 0.75 * whole


@pytest.mark.parametrize(
    "wanted",
    [
        chart("bar", [HOSTILE * 2] * 30, [1.0] * 30, title=HOSTILE * 3, name=HOSTILE),
        chart("pie", [HOSTILE] * 12, [float(slice_) for slice_ in range(1, 13)], title="W" * 200),
        chart("bar", [f"A long name of a product {place}" for place in range(500)], [1e-9] * 500),
        chart("line", [f"2024-{place}" for place in range(500)], *[RAMP] * 8),
        chart("line", [-1e100, 0.0, 1e100], [1e100, -1e100, None]),
        chart("scatter", [1e-300, 2e-300], [-1e-300, 0.0]),
        chart("bar", ["nothing"], [0.0]),
        chart("line", ["one"], [7.0]),
        chart("scatter", [3.0], [7.0]),
        chart("line", MONTHS, [None, None, None, None, None, 1.0], [None] * 6),
        chart("pie", ["all", "none"], [1e100, None]),
    ],
    ids=lambda wanted: f"{wanted['kind']}-{len(wanted['labels'])}",
)
def test_nothing_runs_over_the_edge_whatever_is_drawn(wanted: Chart) -> None:
    drawn(wanted)


def test_random_charts_are_drawn() -> None:
    random_ = random.Random(7)
    for _ in range(6):
        many = random_.choice([1, 2, 9, 40])
        scale = 10.0 ** random_.randint(-12, 15)
        values: list[list[float | None]] = [
            [random_.choice([None, random_.gauss(0, scale), 0.0, scale]) for _ in range(many)] + [scale]
            for _ in range(random_.randint(1, 8))
        ]
        texts = ["".join(chr(random_.randint(1, 0x2FFF)) for _ in range(random_.randint(0, 60))) for _ in range(many)]
        drawn(chart(random_.choice(["bar", "line"]), [*texts, "last"], *values, title=texts[0]))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 250, 500], ["0", "250", "500"]),
        ([1990, 2000], ["1990", "2000"]),
        ([0, 10_000, 20_000], ["0", "10,000", "20,000"]),
        ([-0.5, 0, 0.5], ["-0.5", "0.0", "0.5"]),
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([1_000_000_001, 1_000_000_002], ["1,000,000,001", "1,000,000,002"]),
        ([0, 1e13, 1.5e13], ["0", "1e13", "1.5e13"]),
        ([1e-7, 2e-7], ["1e-7", "2e-7"]),
        ([1e100], ["1e100"]),
        ([12.5], ["12.5"]),
        ([0], ["0"]),
        ([], []),
    ],
)
def test_ticks_are_plain_numbers(values: list[float], ticks: list[str]) -> None:
    assert Numbers().format_ticks(values) == ticks


def test_ticks_that_differ_are_told_apart() -> None:
    random_ = random.Random(3)
    for _ in range(2_000):
        start, step = random_.uniform(-1, 1) * 10.0 ** random_.randint(-8, 15), 10.0 ** random_.randint(-8, 15)
        values = [start + step * index for index in range(6)]
        if abs(start) / step < 1e9:  # more digits than that no axis shows
            ticks = Numbers().format_ticks(values)
            assert all(before != after for before, after in pairwise(ticks)), (values, ticks)


def test_texts_are_cut_and_lose_what_nobody_sees() -> None:
    assert shown("  a\nb\u202e\0c  ", 9) == "a bc"
    assert shown("abcdefgh ijk", 10) == "abcdefgh…"
    assert shown("\ud83d", 9) == ""
