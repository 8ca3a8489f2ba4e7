"""Sentences about the workbook of `workbook_runs.book`, worded as strangers word them, and what they come to."""

from typing import Final

import msgspec

from hub.chat.parts import Json

BOLD: Final = {"font": {"bold": True}}
ITALIC: Final = {"font": {"italic": True}}
YELLOW: Final = {"fill_color": "#FFFF00"}
DOLLARS: Final = {"number_format": "$#,##0.00"}


class Case(msgspec.Struct, frozen=True):
    """`cells`, `formats` and `charts` (kind, range) are all that changed; `says` is in the answer."""

    sentence: str
    cells: dict[str, Json] = {}
    formats: dict[str, Json] = {}
    charts: list[tuple[str, str]] = []
    says: str = ""


CASES = [
    # Questions: no write.
    Case("What is the total of B2:B10?", says="540"),
    Case("whats the average of C2 to C10", says="24"),
    Case("Can you tell me the highest number in column B?", says="100"),
    Case("find the minimum of b2:b10 please", says="20"),
    Case("Could you calculate the median of B2:B10?", says="60"),
    Case("how many numbers are there in C2:C10?", says="9"),
    Case("count the cells in B1:B10", says="10"),
    Case("add up B2 through B10", says="540"),
    Case("add B2:B10", says="540"),
    Case("Sum up the values in Sheet2!B2:B3.", says="15"),
    Case("what is the average of B2:B3 on the Sheet2 sheet?", says="7.5"),
    Case('total of column A in sheet "Q1 Sales"', says="5"),
    Case("read 'Q1 Sales'!A1", says="5"),
    Case("Show me A1:C1", says="Month, Revenue, Cost"),
    Case("what's in cell B4?", says="40"),
    Case("What is the value of B4?", says="40"),
    Case("give me the sum of row 2", says="28"),
    Case("what is the difference between B3 and B2?", says="10"),
    Case("what percentage of B10 is B5?", says="50%"),
    Case("subtract B2 from B3", says="10"),
    # Values and formulas.
    Case("sum column B into B11", {"B11": "=SUM(B1:B10)"}),
    Case("Put the sum of B2:B10 in B11", {"B11": "=SUM(B2:B10)"}),
    Case("Please calculate the average of C2:C10 and put it in C12.", {"C12": "=AVERAGE(C2:C10)"}),
    Case("Write the total of column C below it", {"C11": "=SUM(C1:C10)"}),
    Case("sum B2:B10 below the column, then make it bold", {"B11": "=SUM(B2:B10)"}, {"B11": BOLD}),
    Case("sum Sheet2!B2:B3 into D1", {"D1": "=SUM(Sheet2!B2:B3)"}),
    Case("sum 'Q1 Sales'!A1:A9 into D1", {"D1": "=SUM('Q1 Sales'!A1:A9)"}),
    Case("On Sheet2, sum B2:B3 into B4", {"Sheet2!B4": "=SUM(B2:B3)"}),
    Case("insert the max of B2:B10 into E1", {"E1": "=MAX(B2:B10)"}),
    Case('write "Total" in A11', {"A11": "Total"}),
    Case("put 5 into D1", {"D1": 5}),
    Case("set D2 to 12.5", {"D2": 12.5}),
    Case("Enter =B2-C2 in D2", {"D2": "=B2-C2"}),
    Case("put the formula =SUM(B2:B10, C2:C10) into E5.", {"E5": "=SUM(B2:B10, C2:C10)"}),
    Case("Fill D2:D3 with 0", {"D2": 0, "D3": 0}),
    Case("clear B2:B3", {"B2": None, "B3": None}),
    Case("delete the contents of C10", {"C10": None}),
    # Looks.
    Case("make B2 bold", formats={"B2": BOLD}),
    Case("Bold A1:B1", formats={"A1": BOLD, "B1": BOLD}),
    Case("put the difference between B3 and B2 in D3", {"D3": "=B3-B2"}),
    Case("make B2 bold and italic", formats={"B2": {"font": {"bold": True, "italic": True}}}),
    Case("italicise cell A1", formats={"A1": ITALIC}),
    Case("highlight B2 in yellow", formats={"B2": YELLOW}),
    Case("highlight C3", formats={"C3": YELLOW}),
    Case("Colour B2 red", formats={"B2": {"fill_color": "#FF0000"}}),
    Case("make A1 and B1 bold", formats={"A1": BOLD, "B1": BOLD}),
    Case("give B2 a yellow background", formats={"B2": YELLOW}),
    Case("Format B2:B3 as currency", formats={"B2": DOLLARS, "B3": DOLLARS}),
    Case("format C2 as a percentage", formats={"C2": {"number_format": "0.0%"}}),
    Case("show B2 with 2 decimals", formats={"B2": {"number_format": "#,##0.00"}}),
    # Charts, and several steps.
    Case("chart B1:C10", charts=[("column", "B1:C10")]),
    Case("Make a line chart of A1:B10", charts=[("line", "A1:B10")]),
    Case("create a pie chart from B2 to B10", charts=[("pie", "B2:B10")]),
    Case("plot column B as a line chart", charts=[("line", "B1:B10")]),
    Case("draw a bar chart for Sheet2!B2:B3", charts=[("bar", "Sheet2!B2:B3")]),
    Case(
        "sum column B into B11, make it bold and chart it",
        {"B11": "=SUM(B1:B10)"},
        {"B11": BOLD},
        [("column", "B1:B10")],
    ),
    Case(
        'Write "Total" into A11; sum B2:B10 into B11; make A11:B11 bold.',
        {"A11": "Total", "B11": "=SUM(B2:B10)"},
        {"A11": BOLD, "B11": BOLD},
    ),
    Case(
        "average C2:C10 into C11, format it as currency and highlight it in yellow",
        {"C11": "=AVERAGE(C2:C10)"},
        {"C11": {**DOLLARS, **YELLOW}},
    ),
    Case("Total B2:B10. Put the result in D4 and then make it italic.", {"D4": "=SUM(B2:B10)"}, {"D4": ITALIC}),
    Case("sum B2:B10 into B11 and create a chart of B2:B10", {"B11": "=SUM(B2:B10)"}, {}, [("column", "B2:B10")]),
    Case("put =SUM(B2:B10) in B11 and =SUM(C2:C10) in C11", {"B11": "=SUM(B2:B10)", "C11": "=SUM(C2:C10)"}),
    Case("write 'Sum' in A11 and \"Mean\" in A12", {"A11": "Sum", "A12": "Mean"}),
    Case("calculate B3 as a percentage of B10 and put it in D3", {"D3": "=B3/B10"}, {"D3": {"number_format": "0.0%"}}),
    Case("replace B2 with 5", {"B2": 5}),
    Case("put 3 in E1, 4 in E2", {"E1": 3, "E2": 4}),
]
