"""Further wordings of sentences about sheets with tables, and what is told where one cannot be carried out."""

from tests.providers.workbook_sentences import Case

CHARTS = [
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
DECLINED = [
    ("Pie chart of the costs please", "Copy A1:A6 to E1, copy C1:C6 to F1, and make a pie chart of E1:F6"),
    ("pie chart of cost by month", "Month is not beside Cost"),
    ("draw a pie chart of column C", "Month is not beside Cost"),
    ("What is the total of the Tax column?", "there is no column “Tax”: the columns are Month, Revenue and Cost"),
    ("sort by the Tax column", "there is no column “Tax”"),
]
