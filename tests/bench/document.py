"""A long Markdown text as models write it: prose, lists, tables, code; in pieces of a delta's size."""

from itertools import cycle, islice

PIECE_CHARS = 16

_PROSE = (
    "The second quarter closed **above plan** in four of six regions, mostly because of renewals that had been "
    "expected for July. Costs grew by 3.1 %, less than revenue, so the margin is *slightly* better than in the "
    "[same quarter of last year](https://example.com/q2), though the effect of exchange rates is still in it.\n\n"
)
_LIST = (
    "1. Check the totals of `Sheet1!B2:B40` against the ledger.\n"
    "2. Ask the regions for their late bookings:\n"
    "   - North: two invoices, one of them disputed\n"
    "   - South: none that we know of\n"
    "3. Close the books, then lock the sheet.\n\n"
)
_TABLE = (
    "| Region | Q1 | Q2 | Change | Note |\n|---|---:|---:|---:|---|\n"
    "| North | 1,204,331 | 1,310,870 | 8.8 % | renewals |\n"
    "| South | 988,120 | 1,001,456 | 1.3 % | flat |\n"
    "| East | 640,007 | 702,233 | 9.7 % | new customers |\n"
    "| West | 1,530,900 | 1,498,114 | -2.1 % | one loss |\n\n"
)
_CODE = (
    "```python\nfrom collections import defaultdict\n\n\n"
    "def totals(rows: list[dict[str, object]]) -> dict[str, float]:\n"
    '    """Sum of the amounts by region."""\n'
    "    found: dict[str, float] = defaultdict(float)\n"
    "    for row in rows:\n"
    "        found[str(row['region'])] += float(str(row['amount']))  # text in some exports\n"
    "    return dict(found)\n```\n\n"
)


def text(chars: int) -> str:
    """The first so many characters."""
    blocks = cycle((_PROSE, _LIST, _PROSE, _TABLE, _PROSE, _CODE))
    shortest = min(map(len, (_PROSE, _LIST, _TABLE, _CODE)))
    sections = (f"### Section {number}\n\n{block}" for number, block in enumerate(blocks, 1))
    return "".join(islice(sections, chars // shortest + 1))[:chars]


def pieces(chars: int) -> list[str]:
    whole = text(chars)
    return [whole[first : first + PIECE_CHARS] for first in range(0, len(whole), PIECE_CHARS)]
