"""What is said where nothing is done: what was not understood, and what would be, with the sheet's own columns."""

from hub.providers.demo.workbook.planning.desk import Refusal, plain
from hub.providers.demo.workbook.table import Table
from hub.providers.demo.workbook.understand import NotUnderstood

CAN_DO = (
    "With the open workbook I can, for example:\n\n"
    "- *What is the average of Sheet2!B2:B20?*\n"
    "- *Sum column B into B11, make it bold and chart it*\n"
    "- *Make the header row bold and blue*, *sort the table by Cost, largest first*\n"
    '- *Write "Total" into A11*, *add a column Profit that is Revenue minus Cost*\n'
    "- *Format C2:C10 as currency*, *highlight row 1 in yellow*, *clear D2:D5*\n"
)


def not_understood(problem: NotUnderstood) -> str:
    return f"I did not understand {problem}, so I did nothing. {_examples(problem.table)}\n"


def refused(problem: Refusal) -> str:
    text = str(problem)
    end = "" if text[-1] in ".?!" else "."
    return f"I did nothing: {text}{end}\n"


def _examples(table: Table | None) -> str:
    """Two, that would work."""
    if table is None or len(table.headers) < 2:
        return "These would work: *sum column B into B11* and *make A1:C1 bold*. A text goes in quotes."
    first, last = plain(table.headers[0]), plain(table.headers[-1])
    return (
        f"These would work: *what is the total of the {last} column?* and *sort the table by {first}*. "
        "A text to write goes in quotes."
    )
