"""Sentences about sheets with tables, which name their columns by the headers, and what they come to."""

from hub.chat.parts import Json
from tests.hosts.workbook import Workbook
from tests.providers.workbook_sentences import BOLD, DOLLARS, YELLOW, Case

MONTHS = (("Jan", 120, 80), ("Feb", 150, 90), ("Mar", 90, 70), ("Apr", 200, 110), ("May", 170, 95))
SHOPS = (
    ("Berlin", "Tea", 10, 2.5),
    ("Paris", "Tea", 40, 3),
    ("Berlin", "Coffee", 25, 4),
    ("Rome", "Cocoa", 5, 6),
)


def _table(headers: tuple[str, ...], rows: tuple[tuple[Json, ...], ...]) -> dict[str, Json]:
    lines = [headers, *rows]
    return {f"{'ABCDEFGH'[at]}{row}": cell for row, line in enumerate(lines, start=1) for at, cell in enumerate(line)}


def months() -> Workbook:
    """A month per row, and a sheet of numbers without headers."""
    table = _table(("Month", "Revenue", "Cost"), MONTHS)
    return Workbook({"Sheet1": table, "Data": {"A1": 5, "A2": 7, "A3": 9}, "Q1 Sales": {"B2": 4}})


def shops() -> Workbook:
    """A header of two words, and names that come several times."""
    return Workbook({"Sheet1": _table(("Region", "Product", "Units", "Unit price"), SHOPS)})


def _column(letter: str, *values: Json, first: int = 2) -> dict[str, Json]:
    return {f"{letter}{row}": value for row, value in enumerate(values, start=first)}


def _looks(cells: str, look: Json) -> dict[str, Json]:
    return dict.fromkeys(cells.split(), look)


def _row(row: int, *values: Json) -> dict[str, Json]:
    return {f"{'ABCD'[at]}{row}": value for at, value in enumerate(values)}


PROFIT = _column("D", "=B2-C2", "=B3-C3", "=B4-C4", "=B5-C5", "=B6-C6")
BY_COST = _row(2, "Apr", 200, 110) | _row(3, "May", 170, 95) | _row(4, "Feb", 150, 90) | _row(5, "Jan", 120, 80)
BY_COST |= _row(6, "Mar", 90, 70)
TAX = [f"=B{row}*0.2" for row in range(2, 7)]
RED = {"font": {"color": "#FF0000"}}
PERCENT = {"number_format": "0.0%"}

QUESTIONS = [
    Case("What's the total revenue?", says="730"),
    Case("Tell me the average of the Cost column please.", says="89"),
    Case("which month had the highest revenue", says="`Apr`"),
    Case("When was the cost lowest?", says="`Mar`"),
    Case("How many months had revenue over 100?", says="is 4"),
    Case("how many rows have a cost between 80 and 95?", says="is 3"),
    Case("What was the revenue in March?", says="90"),
    Case("What's the difference between total revenue and total cost?", says="285"),
    Case("By what percent did revenue grow from January to May?", says="41.66666667%"),
    Case("What percentage of total revenue came from April?", says="27.39726027%"),
    Case("sum of Cost from Jan to Mar", says="240"),
    Case("List the months where cost is over 80 and revenue is below 160", says="`Feb`"),
    Case("Is the total revenue more than 700?", says="Yes"),
    Case("average of the numbers in Data", says="is 7"),
    Case("What is the lowest cost, and in which month?", says="`Mar`"),
    Case("Tell me revenue minus cost for Feb", says="is 60"),
    Case("How many numbers are in B1:B6?", says="is 5"),
    Case("What is in the first row?", says="Month, Revenue, Cost"),
    Case("Don't change anything, just tell me the sum of B2 through B4.", says="360"),
    Case("List the top 2 months by revenue", says="`Apr, 200, 110`; `May, 170, 95`"),
]
WRITES = [
    Case("sum B2 to B6", says="730"),
    Case("Put the sum of revenue in B7", {"B7": "=SUM(B2:B6)"}),
    Case("sum the Cost column and put it below", {"C7": "=SUM(C2:C6)"}),
    Case("Put the average cost from Jan to Mar in E1", {"E1": "=AVERAGE(C2:C4)"}),
    Case("Put the total revenue for May in E1", {"E1": '=SUMIF(A2:A6,"May",B2:B6)'}),
    Case("Add a total row at the bottom", {"A7": "Total", "B7": "=SUM(B2:B6)", "C7": "=SUM(C2:C6)"}),
    Case("Add a Profit column that is revenue minus cost", {"D1": "Profit", **PROFIT}),
    Case("In column D, put Revenue - Cost", PROFIT),
    Case("Subtract the cost from the revenue for each month and put it in column D", PROFIT),
    Case("type =B2-C2 into D2 and copy it down to D6", PROFIT),
    Case(
        "Add a column called Share showing each month's percentage of total revenue",
        {"D1": "Share", **_column("D", *(f"=B{row}/SUM(B$2:B$6)" for row in range(2, 7)))},
        _looks("D2 D3 D4 D5 D6", PERCENT),
    ),
    Case(
        "add a column Margin that is (revenue - cost) / revenue",
        {"D1": "Margin", **_column("D", *(f"=(B{row}-C{row})/B{row}" for row in range(2, 7)))},
    ),
    Case("Sort the table by cost, largest first", BY_COST),
    Case("Change Feb's cost to 75", {"C3": 75}),
    Case("Set the revenue of March to 95", {"B4": 95}),
    Case("Change B2 from 120 to 130", {"B2": 130}),
    Case("Increase every cost by 10%", _column("C", 88, 99, 77, 121, 104.5)),
    Case("Add a new row for Jun with revenue 200 and cost 120", {"A7": "Jun", "B7": 200, "C7": 120}),
    Case("Rename the Cost column to Expenses", {"C1": "Expenses"}),
    Case("Replace Jan with January", {"A2": "January"}),
    Case("Erase everything in the Cost column except the header", dict.fromkeys("C2 C3 C4 C5 C6".split())),
    Case("Copy the values from Data A1:A3 to E1:E3", {"E1": 5, "E2": 7, "E3": 9}),
    Case("Write Checked in A9 of the Data sheet", {"Data!A9": "Checked"}),
    Case("On the Q1 Sales sheet, write 5 in B3", {"Q1 Sales!B3": 5}),
    Case("Write the numbers 1 to 3 in E2:E4", {"E2": 1, "E3": 2, "E4": 3}),
    Case("In A8 write Average and in B8 put the average of B2:B6", {"A8": "Average", "B8": "=AVERAGE(B2:B6)"}),
    Case("Make Feb yellow", formats={"A3": YELLOW}),
    Case("Clear all values above 100 in column B", dict.fromkeys("B2 B3 B5 B6".split())),
    Case("Set B7 to the sum of B2:B6", {"B7": "=SUM(B2:B6)"}),
    Case("Sort the rows so that the highest cost comes first", BY_COST),
    Case("Put the sum of B2:C2 in D2 and copy it down", _column("D", *(f"=SUM(B{n}:C{n})" for n in range(2, 7)))),
    Case("make rows 2 and 4 bold", formats=_looks("A2 B2 C2 A4 B4 C4", BOLD)),
    Case("make columns A and C bold", formats=_looks(" ".join(f"A{row} C{row}" for row in range(1, 7)), BOLD)),
    Case("Clear B2 and B4", {"B2": None, "B4": None}),
    Case('Put "Tax" in D1 and 20% of revenue in column D', {"D1": "Tax", **_column("D", *TAX)}),
    Case("Make the header row bold and the lowest cost red", formats=_looks("A1 B1 C1", BOLD) | {"C4": RED}),
    Case("Make the header row bold", formats=_looks("A1 B1 C1", BOLD)),
    Case(
        "make the header bold and blue with a yellow background and centre it",
        formats=_looks(
            "A1 B1 C1",
            {"font": {"bold": True, "color": "#0000FF"}, **YELLOW, "alignment": {"horizontal": "center"}},
        ),
    ),
    Case("Format the revenue and cost columns as currency", formats=_looks("B2 B3 B4 B5 B6 C2 C3 C4 C5 C6", DOLLARS)),
    Case("Show the costs in euros with no decimals", formats=_looks("C2 C3 C4 C5 C6", {"number_format": "#,##0 €"})),
    Case("Highlight all revenues above 160 in yellow", formats=_looks("B5 B6", YELLOW)),
    Case("make the numbers in column C red if they're over 90", formats=_looks("C5 C6", RED)),
    Case("Highlight the row with the lowest cost", formats=_looks("A4 B4 C4", YELLOW)),
    Case("Make a column chart of revenue by month", charts=[("column", "A1:B6")]),
    Case('pie chart of revenue by month titled "Share of revenue"', charts=[("pie", "A1:B6")]),
    Case("Please insert a line chart of Revenue and Cost", charts=[("line", "A1:C6")]),
    Case(
        "Put the total revenue in E1, then format it as currency and make it bold",
        {"E1": "=SUM(B2:B6)"},
        {"E1": {**DOLLARS, **BOLD}},
    ),
    Case(
        "Add a Profit column that is Revenue minus Cost and tell me the total profit",
        {"D1": "Profit", **PROFIT},
        says="285",
    ),
]
OF_SHOPS = [
    Case("Which region sold the most units?", says="`Paris`"),
    Case("total units for Berlin", says="35"),
    Case("what's the average price?", says="3.875"),
    Case("How many products are there?", says="4"),
    Case("sum of units where product is Tea", says="50"),
    Case("Show the rows for Berlin", says="`Berlin, Coffee, 25, 4`"),
    Case(
        "Add a column Sales that is Units times Unit price",
        {"E1": "Sales", **_column("E", *(f"=C{row}*D{row}" for row in range(2, 6)))},
    ),
    Case("Put the sum of Units for Berlin in G1", {"G1": '=SUMIF(A2:A5,"Berlin",C2:C5)'}),
    Case("make the Unit price column bold", formats=_looks("D1 D2 D3 D4 D5", BOLD)),
    Case(
        "sort by product",
        _row(2, "Rome", "Cocoa", 5, 6)
        | _row(3, "Berlin", "Coffee", 25, 4)
        | {"B4": "Tea", "C4": 10, "D4": 2.5}
        | _row(5, "Paris", "Tea", 40, 3),
    ),
    Case("Change the unit price of Rome to 7", {"D5": 7}),
]
REFUSED = [
    # Which row, which column, which cell?
    "Change the units of Berlin to 5",
    "Set the price for Tea to 2",
    "sum units and price into G1:G2",
    "Put the total in G1",
    "make it bold",
    # What is there is not written over, and nothing goes half.
    "Add a column Sales in B that is Units times Unit price",
    "Copy A1:B2 to C1",
    "make C2 bold and then do the dishes",
    "write 5 in G1, delete column B",
    # Words that change the meaning.
    "make all units except Berlin bold",
    "sort by units unless they are sorted",
    "highlight units not above 20",
    "only sum the units of Tea into G1",
    "clear the Units column",
    "format the Units column as currency if it is empty",
    "sort everything but the last row by units",
    "set all units to nothing",
    "write today's weather in G1",
    "double every other unit price",
    "put half the units in G1",
    "don't sort the table by units",
    "Add a column Tax that is price times tax",
    "set G1 to the previous value of C2",
    "multiply units by price and then by 2",
    "write Hello World in bold in G1",
    "copy the units to the first empty column",
    "Put =Units*2 in G1",
    "change C2 from 99 to 5",
    "replace o with 0",
    # The total of a column, or what each row has?
    "put units minus price in G1",
    # A date, or a fraction? A text, or a column?
    "put 12/05 in G1",
    "Put Units in G1",
    # Of several cells, which?
    "change Tea to Chai",
    # Of which sheet?
    "On Sheet9, make the header bold",
    "move A2:A3 on the Sheet9 sheet to G1",
    "make A1 bold on Sheet9 and B1",
    # One thing, or another?
    "Add 5 to C2",
    "Show totals for each column",
    "sort by Region, then by Units",
    # Orders that no tool carries out.
    "delete row 3",
    "rename the sheet to Shops",
    "put a border around A1:D5",
    "undo that",
]
