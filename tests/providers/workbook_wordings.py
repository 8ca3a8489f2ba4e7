"""Further wordings of sentences about sheets with tables, and what is told where one cannot be carried out."""

from hub.chat.parts import Json
from tests.providers.workbook_sentences import DOLLARS, YELLOW, Case
from tests.providers.workbook_tables import PROFIT

EUROS: Json = {"number_format": "#,##0.00 €"}

CHARTS = [
    Case('Create a line chart with revenue and cost, titled "Half", and put it at E2', charts=[("line", "A1:C6")]),
    Case("Make a bar chart of the costs", charts=[("bar", "A1:C6")], says="Revenue too"),
    Case("line chart of column C", charts=[("line", "A1:C6")], says="Revenue too"),
    Case("chart of revenue", charts=[("column", "A1:B6")]),
    Case("draw a pie chart of column B", charts=[("pie", "A1:B6")]),
    Case("Can you make me a line chart of revenue and cost over the months?", charts=[("line", "A1:C6")]),
    Case("line chart of revenue per month", charts=[("line", "A1:B6")]),
    Case("Plot the revenue over the months", charts=[("column", "A1:B6")]),
    Case("Put the total revenue in E1 and chart it", {"E1": "=SUM(B2:B6)"}, {}, [("column", "A1:B6")]),
    Case("scatter chart of Revenue and Cost", charts=[("scatter", "B1:C6")]),
]
CHARTS_OF_SHOPS = [Case("column chart of the units", charts=[("column", "B1:C5")], says="the labels in Product")]
COSTS = ("C2", "C3", "C4", "C5", "C6")
RUNNING = {f"D{row}": f"=SUM(B$2:B{row})" for row in range(2, 7)}
BY_NAME = {"A2": "Apr", "B2": 200, "C2": 110, "A4": "Jan", "B4": 120, "C4": 80, "A5": "Mar", "B5": 90, "C5": 70}
ASKED = [
    Case("Total up the revenue for just the months where cost is under 95", says="is 360"),
    Case("what's the difference between May's and January's revenue?", says="is 50"),
    Case("what is in this sheet?", says="A1:C6: `Month, Revenue, Cost, Jan, 120"),
    Case("summarise the table", says="Cost: from 70 to 110, 445 in total, 89 on average."),
    Case("show me the first 3 rows", says="`Jan, 120, 80`; `Feb, 150, 90`; `Mar, 90, 70`."),
    Case("show the last 2 rows", says="`Apr, 200, 110`; `May, 170, 95`."),
    Case("whats our average cost per month?", says="average of Cost is 89"),
    Case("average revenue for each month", says="146"),
    Case("How many months did we make more than 140 in revenue?", says="over 140 is 3"),
    Case("In how many months was revenue over 140?", says="over 140 is 3"),
    Case("How many months had at least 150 in revenue?", says="at least 150 is 3"),
    Case("What's the average of the first three revenues?", says="is 120"),
    Case("total of the last 2 costs", says="is 205"),
    Case("average revenue excluding march", says="without Mar is 160"),
    Case("average cost per month excluding May", says="without May is 87.5"),
    Case("What is the average revenue of the first three months?", says="of B2:B4 is 120"),
    Case("total cost for the last two months", says="of C5:C6 is 205"),
    Case("total cost without Jan and Feb", says="is 275"),
]
ORDERED = [
    Case("Add a Profit column next to Cost, revenue minus cost", {"D1": "Profit", **PROFIT}),
    Case(
        "Add a Profit column next to Cost, revenue minus cost, formatted as currency",
        {"D1": "Profit", **PROFIT},
        {f"D{row}": DOLLARS for row in range(2, 7)},
    ),
    Case("highlight in red every revenue below 100", formats={"B4": {"fill_color": "#FF0000"}}),
    Case("multiply everything on Data by 2", {"Data!A1": 10, "Data!A2": 14, "Data!A3": 18}),
    Case("format B2:C3 as currency in euros", formats=dict.fromkeys(["B2", "B3", "C2", "C3"], EUROS)),
    Case("put the total revenue for the months where cost is under 95 in E1", {"E1": '=SUMIF(C2:C6,"<95",B2:B6)'}),
    Case("Put the average revenue per month in E1", {"E1": "=AVERAGE(B2:B6)"}),
    Case("Put the sum of the costs right below the last cost", {"C7": "=SUM(C2:C6)"}),
    Case("put the average of the revenue directly under the last revenue", {"B7": "=AVERAGE(B2:B6)"}),
    Case("Put the sum of revenue below the Cost column", {"C7": "=SUM(B2:B6)"}),
    Case("Look up the cost for March and write it into F1", {"F1": "=C4"}),
    Case("find the revenue of Apr and put it in E1", {"E1": "=B5"}),
    Case("Sum up A1 to A3 on the Data sheet and put the result into E1 here", {"E1": "=SUM(Data!A1:A3)"}),
    Case("Put the sum of Data A1:A3 into E1 on this sheet", {"E1": "=SUM(Data!A1:A3)"}),
    Case("Multiply every number on the Data sheet by 10", {"Data!A1": 50, "Data!A2": 70, "Data!A3": 90}),
    Case("Raise all costs by 10%", dict(zip(COSTS, (88, 99, 77, 121, 104.5), strict=True))),
    Case("Make every cost 10% higher", dict(zip(COSTS, (88, 99, 77, 121, 104.5), strict=True))),
    Case("lower the costs by 5", dict(zip(COSTS, (75, 85, 65, 105, 90), strict=True))),
    Case("double the last 2 costs", {"C5": 220, "C6": 190}),
    Case("highlight the first 2 costs", formats={"C2": YELLOW, "C3": YELLOW}),
    Case("clear the first 2 revenues", {"B2": None, "B3": None}),
    Case("Put the sum of the first 3 costs in E1", {"E1": "=SUM(C2:C4)"}),
    Case("Fill D2:D6 with the running total of Revenue", RUNNING),
    Case("Add a column Running with the cumulative sum of revenue", {"D1": "Running", **RUNNING}),
    Case("Put the total revenue except May in E1", {"E1": '=SUMIF(A2:A6,"<>May",B2:B6)'}),
    Case("Put the months back in alphabetical order", BY_NAME),
]
MARGIN = {"D1": "Margin", **{f"D{row}": f"=(B{row}-C{row})/B{row}" for row in range(2, 7)}}
PERCENT = {f"D{row}": {"number_format": "0.0%"} for row in range(2, 7)}


def _chosen(formula: str) -> dict[str, Json]:
    return {f"D{row}": formula.format(row=row) for row in range(2, 7)}


CHOSEN = [
    Case(
        'In column D write "good" if revenue is at least 150, otherwise "bad"',
        _chosen('=IF(B{row}>=150,"good","bad")'),
    ),
    Case('Write "yes" in column D if the month is Jan, else "no"', _chosen('=IF(A{row}="Jan","yes","no")')),
    Case('In column D, if revenue is over 150 write "a", otherwise write "b"', _chosen('=IF(B{row}>150,"a","b")')),
    Case(
        "Add a column Rating that says High if revenue is over 150, otherwise Low",
        {"D1": "Rating", **_chosen('=IF(B{row}>150,"High","Low")')},
    ),
    Case(
        "Add a Good column with 1 if revenue is over 150 and cost is under 100, otherwise 0",
        {"D1": "Good", **_chosen("=IF(AND(B{row}>150,C{row}<100),1,0)")},
    ),
    Case(
        "Add a Flag column with 1 if cost is between 80 and 100, otherwise 0",
        {"D1": "Flag", **_chosen("=IF(AND(C{row}>=80,C{row}<=100),1,0)")},
    ),
    Case(
        "Create a Margin column next to Cost with (Revenue - Cost) / Revenue, shown as a percentage with one decimal",
        MARGIN,
        PERCENT,
    ),
    Case("Add a column Margin that is (revenue - cost) / revenue formatted as a percentage", MARGIN, PERCENT),
    Case("Put the total revenue in E1 shown as currency", {"E1": "=SUM(B2:B6)"}, {"E1": DOLLARS}),
]
MISSPELT = [
    Case(
        "averge of revenu colum excluding march", says="“colum” as “column”. The average of Revenue without Mar is 160"
    ),
    Case("What is the averege cost?", says="I read “averege” as “average”. The average of Cost is 89"),
    Case("sum of the rveenue", says="is 730"),
]
DECLINED = [
    ("What will revenue be in June?", "June is not in the table: Month has Jan, Feb, Mar, Apr, May"),
    ("set June's cost to 5", "June is not in the table"),
    ("which sheets are there?", "no tool for listing sheets"),
    ("clear the first two months", "whole rows, or the cells of Month alone?"),
    ("what was the average in the first two months?", "a column of numbers"),
    ("sum of revenue per month where cost is under 95", "did not understand"),
    ("highlight in red every revenue except below 100", "did not understand"),
    ("add a Note column, revenue", "did not understand"),
    ("show me the first 9 rows", "the table has 5 rows, not 9"),
    ("multiply everything on Data except A1 by 2", "did not understand"),
    ("increase all costs except May by 10%", "did not understand"),
    ("put the sum of revenue below the last month", "which cell should the result go into?"),
    ("average revenue of the first three costs", "did not understand"),
    ("Put the sum of revenu in E1", "I would read “revenu” as “revenue”, and that writes"),
    ("what is the total of costx and the Tax colum?", "“colum” as “column”: there is no column “Tax”"),
    ("total revenu per month in E1", "did not understand"),
    ("sort the tabel by cost", "did not understand “tabel”"),
    ("What is the total revenue, formatted as currency?", "did not understand"),
    ("Make the header row bold shown as currency", "did not understand"),
    ('write "good" in D2 if revenue is over 150', "did not understand"),
    ("In column D write High if the month is over 150, otherwise Low", "column Month has more than numbers"),
    ("average of the first nine costs", "the table has 5 rows, not 9"),
    ("On Data, put the sum of A1:A3 into E1 here", "is “here” Data, or the open sheet?"),
    ("total revenue per month", "did not understand"),
    ("Pie chart of the costs please", "Copy A1:A6 to E1, copy C1:C6 to F1, and make a pie chart of E1:F6"),
    ("pie chart of cost by month", "Month is not beside Cost"),
    ("draw a pie chart of column C", "Month is not beside Cost"),
    ("What is the total of the Tax column?", "there is no column “Tax”: the columns are Month, Revenue and Cost"),
    ("sort by the Tax column", "there is no column “Tax”"),
]
SUGGESTING = [
    "format the wobbly ones as currency",
    "multiply everything I like by 2",
    "what is the difference of all the moods?",
    "which sheets are there?",
    "Delete the row for April",
    "make a radar chart of the table",
    "sort by the length of Month",
    "make the header bold and wavy",
    "how many months were good?",
    "what is the average mood per month?",
    'in column D write "a" if revenue is fine, otherwise "b"',
    "insert a page break above row 3",
    "add a column with the weather",
    "write a poem into E1",
    "what is the sum of everything I like?",
]
